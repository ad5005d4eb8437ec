"""Mail: one rung for staff, and the way to whoever runs the program."""

from bot.mail.post import Post, RecordedPost, SentMail, SmtpPost, mail_post

__all__ = ["Post", "RecordedPost", "SentMail", "SmtpPost", "mail_post"]

"""How late each kind of message may be: past that it would confuse, and it is dropped and recorded instead.

Counted from the moment it was meant for. Nothing is kept for ever, so everything that is held has an end.
"""

from datetime import timedelta

MAX_LATENESS: dict[str, timedelta] = {
    "invite": timedelta(hours=24),
    "remind_day": timedelta(hours=8),
    "remind_hours": timedelta(minutes=30),
    "missed": timedelta(hours=16),
    "family_reminder": timedelta(hours=8),
    "moved": timedelta(days=2),
    "called_off": timedelta(days=2),
    "family_linked": timedelta(days=2),
    "family_ended": timedelta(days=2),
    "mood": timedelta(hours=4),
    "case_alert": timedelta(hours=24),
    "case_group": timedelta(hours=1),
    "case_note": timedelta(hours=24),
    "case_week": timedelta(days=2),
    "case_reminder": timedelta(hours=24),
    "case_missed": timedelta(days=2),
    "drill_report": timedelta(days=2),
    "debrief": timedelta(days=2),
    "case_taken": timedelta(hours=12),
    "case_follow_up": timedelta(days=2),
    "task": timedelta(days=3),
    "stopped": timedelta(days=3),
    "swap_asked": timedelta(days=2),
    "swap_settled": timedelta(days=2),
    "duty_changed": timedelta(days=2),
    "shift_over": timedelta(hours=4),
    "shift_kept": timedelta(hours=16),
    "danger_reply": timedelta(minutes=30),
    "text": timedelta(hours=12),
    "broadcast": timedelta(hours=24),
    "spoken": timedelta(hours=2),
    "glass_broken": timedelta(days=2),
}
OTHERWISE = timedelta(hours=24)


def max_lateness(kind: str) -> timedelta:
    return MAX_LATENESS.get(kind, OTHERWISE)

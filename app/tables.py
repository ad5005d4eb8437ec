"""Every table of the house, imported once so that migrations and tests see the same whole."""

from sqlmodel import SQLModel

from app import installation
from app.accounts import models as accounts
from app.activities import models as activities
from app.duty import models as duty
from app.escalations import models as escalations
from app.issues import models as issues
from app.marks import models as marks
from app.messages import models as messages
from app.mood import models as mood
from app.opinions import models as opinions
from app.people import models as people
from app.tasks import models as tasks
from app.watch import models as watch

__all__ = [
    "accounts", "activities", "duty", "escalations", "installation", "issues", "marks", "messages", "metadata", "mood",
    "opinions", "people", "tasks", "watch",
]  # fmt: skip

metadata = SQLModel.metadata

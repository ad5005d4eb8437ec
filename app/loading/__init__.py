"""`tongxing load FILE.yaml`: a programme as one file that a person can write, and read again.

`read_programme` says everything that is wrong with a text, with line numbers; `load` brings the database to
what the file says.
"""

from app.loading.file import ProgrammeFile
from app.loading.problems import LoadError, Problem
from app.loading.reading import read_programme
from app.loading.service import load
from app.loading.tally import Loaded

__all__ = ["LoadError", "Loaded", "Problem", "ProgrammeFile", "load", "read_programme"]

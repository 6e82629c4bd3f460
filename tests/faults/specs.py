"""A valid specification of every stage, from the study of preset ``quick``."""

from inference_gaps.replication.study.plan import load_study
from inference_gaps.specs.base import Spec
from tests.small_project import ROOT

__all__ = ["VALID_SPECS"]

_STUDY = load_study({}, ROOT)

VALID_SPECS: dict[type[Spec], Spec] = {type(job.spec): job.spec for job in _STUDY.jobs}

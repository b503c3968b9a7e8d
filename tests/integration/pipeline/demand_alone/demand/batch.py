"""The tables of the demand zone, as they are made of services/demand."""

from services.demand.batch import *  # noqa: F403

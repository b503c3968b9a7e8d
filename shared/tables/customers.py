"""Who buys."""

from shared.tables.checks import at_least, between, country, no_card_number, opaque
from shared.tables.columns import CURATED_TAIL, flag, moment, real, text, whole
from shared.tables.model import Pii, Table

CUSTOMERS = Table(
    zone="curated",
    name="customers",
    key=("customer_id",),
    description="One row a customer: a person or household that has an account or a loyalty card",
    columns=(
        text("customer_id", "Stable id of the customer", synonyms=("customer", "client", "shopper", "household")),
        text("full_name", "Name in full", null=True, pii=Pii.PERSONAL),
        text("email_masked", "E-mail address with all but its ends starred out", null=True, pii=Pii.PERSONAL),
        text("email_hmac", "HMAC-SHA-256 of the e-mail address, for matching", null=True, pii=Pii.PERSONAL),
        moment("registered_at", "When the customer registered", null=True),
        text("country", "Country of residence, ISO 3166-1 alpha-2"),
        text("region", "State, province or other region within the country", null=True, synonyms=("state", "province")),
        text("city", "City or town", null=True),
        text("age_band", "Age group as the source gives it, such as 25-34", null=True, synonyms=("age", "age group")),
        text("income_band", "Income group as the source gives it, such as 50-74K", null=True, synonyms=("income",)),
        whole("household_size", "People in the household", kind="SMALLINT", null=True, unit="people"),
        flag("marketing_opt_in", "Whether the customer agreed to marketing", null=True),
        real("latitude", "Latitude of residence, WGS 84", null=True, unit="degrees", pii=Pii.PERSONAL),
        real("longitude", "Longitude of residence, WGS 84", null=True, unit="degrees", pii=Pii.PERSONAL),
        *CURATED_TAIL,
    ),
    rules=(
        country(),
        at_least("household_size", 1, "household_size_positive"),
        between("latitude", -90, 90),
        between("longitude", -180, 180),
        opaque("email_hmac"),
        no_card_number("full_name", "email_masked", "region", "city", "age_band", "income_band"),
    ),
    region_column="region",
)

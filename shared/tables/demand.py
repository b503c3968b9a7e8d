"""The prod zone of the Demand Insights Engine."""

from shared.tables.columns import PROD_TAIL, day, money, real, share, text, whole
from shared.tables.model import Pii, Table

METHODS = ("rfm", "kmeans")
TIERS = ("bronze", "silver", "gold", "platinum")

CUSTOMER_SEGMENTS = Table(
    zone="demand",
    name="customer_segments",
    key=("method", "segment"),
    description="One row a customer segment and grouping method, with its size, worth and what to do",
    columns=(
        text("method", "How customers were grouped: rfm or kmeans", choices=METHODS),
        text("segment", "Name of the segment or tier"),
        whole("customers", "Customers in it", kind="BIGINT", unit="customers"),
        money("revenue", "Revenue of those customers on valid orders", unit="USD"),
        share("revenue_share_pct", "Share of the revenue of all customers"),
        real("recency_days_mean", "Mean days from the last valid order to the batch clock", unit="days", null=True),
        real("frequency_mean", "Mean number of valid orders", unit="orders", null=True),
        real("monetary_mean", "Mean revenue a customer, rounded to cents", unit="USD", null=True),
        text("action", "What to do with the segment"),
        real("silhouette", "Mean silhouette of the four tiers, -1 to 1; only for kmeans", null=True),
        whole("silhouette_k", "Clusters that silhouette would choose; only for kmeans", null=True, unit="clusters"),
        *PROD_TAIL,
    ),
)

RFM_SCORES = Table(
    zone="demand",
    name="rfm_scores",
    key=("customer_id",),
    description="One row a customer with a valid order: recency, frequency, monetary value and segment",
    columns=(
        text("customer_id", "The customer"),
        text("full_name", "Name in full", null=True, pii=Pii.PERSONAL),
        text("country", "Country of residence, ISO 3166-1 alpha-2"),
        text("region", "Region of residence", null=True),
        day("last_order_on", "Day of the last valid order"),
        whole("recency_days", "Days from the last valid order to the batch clock", unit="days"),
        whole("frequency", "Number of valid orders", unit="orders"),
        money("monetary", "Revenue of the valid orders", unit="USD"),
        whole("r_score", "Recency quintile, 5 is most recent", kind="SMALLINT"),
        whole("f_score", "Frequency quintile, 5 is most often", kind="SMALLINT"),
        whole("m_score", "Monetary quintile, 5 is most spent", kind="SMALLINT"),
        text("rfm_score", "The three scores side by side, such as 555"),
        text("segment", "RFM segment the scores fall into"),
        text("tier", "K-Means tier; empty where too few customers differ", null=True, choices=TIERS),
        *PROD_TAIL,
    ),
    region_column="region",
)

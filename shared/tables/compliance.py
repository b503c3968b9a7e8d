"""The prod zone of the Compliance Guardian; later releases make its tables."""

from shared.tables.columns import moment, money, real, text, whole
from shared.tables.prod import planned

LEVELS = ("low", "medium", "high", "critical")


COMPLIANCE = (
    planned(
        "compliance",
        "fraud_detections",
        ("payment_id",),
        "One row a payment scored for fraud",
        text("payment_id", "The payment"),
        text("customer_id", "Who paid", null=True),
        real("fraud_probability", "Probability of fraud, 0-1"),
        text("decision", "What to do with it", choices=("approve", "review", "decline")),
        text("reasons", "What speaks for it, most telling first, as a JSON list"),
        money("amount", "Amount of the payment"),
        text("currency_code", "Currency of the amount, ISO 4217"),
        money("expected_loss", "Probability × amount"),
        moment("authorized_at", "When it was authorised"),
    ),
    planned(
        "compliance",
        "anomaly_detections",
        ("subject_kind", "subject_id"),
        "One row a thing that is out of line",
        text("subject_kind", "What it is, such as payment or customer"),
        text("subject_id", "Which one"),
        real("anomaly_score", "How far out of line, larger is farther"),
        text("reasons", "In what respect, as a JSON list"),
    ),
    planned(
        "compliance",
        "risk_scores",
        ("subject_kind", "subject_id"),
        "One row a customer or payment: its risk",
        text("subject_kind", "What it is", choices=("customer", "payment")),
        text("subject_id", "Which one"),
        real("risk_score", "Risk, 0-100"),
        text("level", "Risk in words", choices=LEVELS),
        text("factors", "What makes it up, as a JSON list"),
    ),
    planned(
        "compliance",
        "compliance_checks",
        ("requirement",),
        "One row a requirement of PCI DSS 4.0.1: whether it is met",
        text("requirement", "Number of the requirement"),
        text("title", "What it asks for"),
        text("status", "Whether it is met", choices=("met", "not_met", "not_applicable")),
        whole("findings", "Findings against it", kind="BIGINT", unit="findings"),
        region_free=True,
    ),
    planned(
        "compliance",
        "fraud_clusters",
        ("cluster_id",),
        "One row a group of accounts that share cards, devices or addresses",
        text("cluster_id", "Id of the group"),
        whole("accounts", "Accounts in it", unit="accounts"),
        text("shared_by", "What they share, as a JSON list"),
        real("risk_score", "Risk, 0-100"),
        money("amount", "Money that went through it", unit="USD"),
    ),
)

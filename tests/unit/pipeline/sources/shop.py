"""A small shop's files with a mapping that fits them."""

from __future__ import annotations

from pathlib import Path

ORDERS = """\
Bestellnr;Kunde;Datum;Status;Netto;Versand;Notiz
A1;7;24.12.2024 18:30;bezahlt;1.234,50;4,90;bitte klingeln
A2;8;01.07.2024 09:00;versandt;10,00;0,00;
"""
CUSTOMERS = """\
Nr,Name,E-Mail,Tel,Newsletter
7,Jürgen Groß,juergen@example.de,030 123,ja
8,Ann Lee,ann@example.com,,nein
"""
MAPPING = """\
version: 1
source: gartenshop
time_zone: Europe/Berlin
tables:
  orders:
    file: bestellungen*.csv
    delimiter: ";"
    decimal: ","
    thousands: "."
    date_format: "%d.%m.%Y %H:%M"
    columns:
      order_id: Bestellnr
      customer_id: Kunde
      ordered_at: Datum
      status: {column: Status, map: {bezahlt: paid, versandt: shipped}}
      channel: {const: online}
      country: {const: DE}
      currency_code: {const: EUR}
      subtotal: Netto
      discount: {const: "0"}
      shipping: Versand
      tax: {const: "0"}
      total: {expr: Netto + Versand}
    ignore: [Notiz]
  customers:
    file: kunden.csv
    columns:
      customer_id: Nr
      full_name: Name
      email_masked: {email: E-Mail}
      email_hmac: {email: E-Mail}
      country: {const: DE}
      marketing_opt_in: Newsletter
    ignore: [Tel]
"""


def open_shop(folder: Path) -> Path:
    """Return the folder with the shop's files and mapping in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bestellungen-2024.csv").write_text(ORDERS)
    (folder / "kunden.csv").write_text(CUSTOMERS)
    (folder / "mapping.yaml").write_text(MAPPING)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Replace a piece of a file that is in it."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

"""Pegs: currencies whose rate is a law, not a market.

Only an exchange rate that the issuer itself has fixed and kept since before the first day of the
table is here. Managed floats, bands, baskets (KWD) and official rates that nobody is paid at
(CUP, ERN, TMT) are left out: no rate is better than a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

EARLIEST = date(2018, 1, 1)


@dataclass(frozen=True, slots=True)
class Peg:
    """`per_anchor` units of `currency` are one unit of `anchor`, from `since` on."""

    currency: str
    anchor: str
    per_anchor: float
    authority: str
    since: date = EARLIEST


PEGS = (
    Peg("AED", "USD", 3.6725, "Central Bank of the UAE"),
    Peg("AWG", "USD", 1.79, "Centrale Bank van Aruba"),
    Peg("BAM", "EUR", 1.95583, "Central Bank of Bosnia and Herzegovina (currency board)"),
    Peg("BBD", "USD", 2.0, "Central Bank of Barbados"),
    Peg("BHD", "USD", 0.376, "Central Bank of Bahrain"),
    Peg("BMD", "USD", 1.0, "Bermuda Monetary Authority"),
    Peg("BND", "SGD", 1.0, "Brunei Darussalam Central Bank (interchangeable by treaty)"),
    Peg("BSD", "USD", 1.0, "Central Bank of The Bahamas"),
    Peg("BTN", "INR", 1.0, "Royal Monetary Authority of Bhutan"),
    Peg("BZD", "USD", 2.0, "Central Bank of Belize"),
    Peg("CVE", "EUR", 110.265, "Banco de Cabo Verde"),
    Peg("DJF", "USD", 177.721, "Banque Centrale de Djibouti (currency board)"),
    Peg("FKP", "GBP", 1.0, "Falkland Islands Government (currency board)"),
    Peg("GIP", "GBP", 1.0, "Government of Gibraltar (currency board)"),
    Peg("JOD", "USD", 0.709, "Central Bank of Jordan"),
    Peg("KMF", "EUR", 491.96775, "Banque Centrale des Comores"),
    Peg("KYD", "USD", 1 / 1.2, "Cayman Islands Monetary Authority (1 KYD = 1.20 USD)"),
    Peg("LSL", "ZAR", 1.0, "Central Bank of Lesotho (Common Monetary Area)"),
    Peg("MOP", "HKD", 1.03, "Monetary Authority of Macao (currency board)"),
    Peg("NAD", "ZAR", 1.0, "Bank of Namibia (Common Monetary Area)"),
    Peg("NPR", "INR", 1.6, "Nepal Rastra Bank"),
    Peg("OMR", "USD", 0.3845, "Central Bank of Oman"),
    Peg("PAB", "USD", 1.0, "Republic of Panama"),
    Peg("QAR", "USD", 3.64, "Qatar Central Bank"),
    Peg("SAR", "USD", 3.75, "Saudi Central Bank"),
    Peg("SHP", "GBP", 1.0, "Government of Saint Helena (currency board)"),
    Peg("STN", "EUR", 24.5, "Banco Central de Sao Tome e Principe"),
    Peg("SZL", "ZAR", 1.0, "Central Bank of Eswatini (Common Monetary Area)"),
    Peg("XAF", "EUR", 655.957, "Banque des Etats de l'Afrique Centrale"),
    Peg("XCD", "USD", 2.7, "Eastern Caribbean Central Bank"),
    Peg("XCG", "USD", 1.79, "Centrale Bank van Curacao en Sint Maarten", date(2025, 3, 31)),
    Peg("XOF", "EUR", 655.957, "Banque Centrale des Etats de l'Afrique de l'Ouest"),
    Peg("XPF", "EUR", 119.33174, "Institut d'emission d'outre-mer (1000 XPF = 8.38 EUR)"),
)

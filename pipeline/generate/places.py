"""Where the shop sells: countries with their currencies, regions with planted price gaps, cities with coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.generate.world import Country, Places

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTRIES = (
    Country("US", "USD", 1.0, 2, 30.0, 0.12, 1.00, 0.070, 5.90, "America/New_York", 0.18),
    Country("GB", "GBP", 0.79, 2, 12.0, 0.08, 1.06, 0.200, 4.90, "Europe/London", 0.15),
    Country("DE", "EUR", 0.92, 2, 13.0, 0.10, 1.04, 0.190, 4.90, "Europe/Berlin", 0.14),
    Country("FR", "EUR", 0.92, 2, 9.0, 0.07, 1.08, 0.200, 5.20, "Europe/Paris", 0.16),
    Country("CA", "CAD", 1.35, 2, 6.0, 0.10, 1.07, 0.120, 7.50, "America/Toronto", 0.15),
    Country("AU", "AUD", 1.52, 2, 5.0, 0.09, 1.12, 0.100, 8.50, "Australia/Sydney", 0.12),
    Country("JP", "JPY", 148.0, 0, 7.0, 0.03, 0.94, 0.100, 4.50, "Asia/Tokyo", 0.20),
    Country("SE", "SEK", 10.4, 2, 3.0, 0.06, 1.14, 0.250, 5.50, "Europe/Stockholm", 0.10),
    Country("CH", "CHF", 0.88, 2, 3.0, 0.05, 1.28, 0.081, 7.90, "Europe/Zurich", 0.12),
    Country("PL", "PLN", 4.0, 2, 4.0, 0.22, 0.82, 0.230, 3.20, "Europe/Warsaw", 0.10),
    Country("BR", "BRL", 5.0, 2, 4.0, 0.28, 0.78, 0.170, 4.20, "America/Sao_Paulo", 0.08),
    Country("MX", "MXN", 17.1, 2, 3.0, 0.20, 0.80, 0.160, 3.90, "America/Mexico_City", 0.08),
    Country("IN", "INR", 83.0, 2, 5.0, 0.35, 0.66, 0.180, 2.10, "Asia/Kolkata", 0.05),
)

# country: region (price level against the country): city latitude longitude people-in-thousands, …
REGIONS = """
US|California|1.06|Los Angeles 34.05 -118.24 3900;San Diego 32.72 -117.16 1390;San Francisco 37.77 -122.42 870
US|New York|1.08|New York 40.71 -74.01 8500;Buffalo 42.89 -78.88 280
US|Texas|0.95|Houston 29.76 -95.37 2300;Austin 30.27 -97.74 960;Dallas 32.78 -96.80 1300
US|Illinois|1.00|Chicago 41.88 -87.63 2700
US|Florida|0.98|Miami 25.76 -80.19 440;Orlando 28.54 -81.38 310;Tampa 27.95 -82.46 390
US|Washington|1.03|Seattle 47.61 -122.33 740;Spokane 47.66 -117.43 230
GB|England|1.00|London 51.51 -0.13 8900;Manchester 53.48 -2.24 550;Birmingham 52.49 -1.89 1140;Leeds 53.80 -1.55 790
GB|Scotland|0.97|Glasgow 55.86 -4.25 630;Edinburgh 55.95 -3.19 520
GB|Wales|0.95|Cardiff 51.48 -3.18 360
DE|Bavaria|1.04|Munich 48.14 11.58 1490;Nuremberg 49.45 11.08 520
DE|Berlin|1.00|Berlin 52.52 13.41 3650
DE|North Rhine-Westphalia|0.99|Cologne 50.94 6.96 1080;Dusseldorf 51.23 6.78 620;Dortmund 51.51 7.47 590
DE|Hamburg|1.03|Hamburg 53.55 9.99 1850
DE|Saxony|0.94|Leipzig 51.34 12.37 600;Dresden 51.05 13.74 560
FR|Ile-de-France|1.07|Paris 48.86 2.35 2160
FR|Auvergne-Rhone-Alpes|0.99|Lyon 45.76 4.84 520;Grenoble 45.19 5.72 160
FR|Provence|1.00|Marseille 43.30 5.37 870;Nice 43.71 7.26 340
FR|Occitanie|0.96|Toulouse 43.60 1.44 490
CA|Ontario|1.02|Toronto 43.65 -79.38 2930;Ottawa 45.42 -75.70 1010
CA|Quebec|0.97|Montreal 45.50 -73.57 1760;Quebec City 46.81 -71.21 550
CA|British Columbia|1.04|Vancouver 49.28 -123.12 680
AU|New South Wales|1.03|Sydney -33.87 151.21 5300
AU|Victoria|1.00|Melbourne -37.81 144.96 5000
AU|Queensland|0.97|Brisbane -27.47 153.03 2500
JP|Tokyo|1.05|Tokyo 35.68 139.69 9700
JP|Osaka|0.98|Osaka 34.69 135.50 2750
JP|Hokkaido|0.94|Sapporo 43.06 141.35 1970
JP|Fukuoka|0.96|Fukuoka 33.59 130.40 1610
SE|Stockholm|1.03|Stockholm 59.33 18.07 980
SE|Vastra Gotaland|0.98|Gothenburg 57.71 11.97 580
SE|Skane|0.97|Malmo 55.60 13.00 350
CH|Zurich|1.04|Zurich 47.37 8.54 430
CH|Geneva|1.05|Geneva 46.20 6.14 200
CH|Bern|0.97|Bern 46.95 7.45 134
PL|Masovia|1.04|Warsaw 52.23 21.01 1790
PL|Lesser Poland|0.98|Krakow 50.06 19.94 780
PL|Pomerania|0.97|Gdansk 54.35 18.65 470
BR|Sao Paulo|1.03|Sao Paulo -23.55 -46.63 12300;Campinas -22.91 -47.06 1200
BR|Rio de Janeiro|1.02|Rio de Janeiro -22.91 -43.17 6700
BR|Bahia|0.91|Salvador -12.97 -38.50 2900
MX|Mexico City|1.03|Mexico City 19.43 -99.13 9200
MX|Jalisco|0.99|Guadalajara 20.67 -103.35 1500
MX|Nuevo Leon|1.01|Monterrey 25.67 -100.31 1140
IN|Maharashtra|1.04|Mumbai 19.08 72.88 12400;Pune 18.52 73.86 3100
IN|Karnataka|1.02|Bengaluru 12.97 77.59 8400
IN|Delhi|1.01|New Delhi 28.61 77.21 11000
IN|Tamil Nadu|0.95|Chennai 13.08 80.27 7100
"""


def places() -> Places:
    """Return every country, region and city the shop sells to."""
    codes = [country.code for country in COUNTRIES]
    regions = [line.split("|") for line in REGIONS.strip().splitlines()]
    cities = [(number, *city) for number, region in enumerate(regions) for city in _cities(region[3])]
    owners = np.array([codes.index(region[0]) for region in regions], dtype=np.int8)
    city_region = np.array([city[0] for city in cities], dtype=np.int16)
    people = np.array([city[4] for city in cities], dtype=np.float64)
    # Large towns do not order in proportion to their size: the root tempers them.
    drawn = np.sqrt(people)
    country = owners[city_region]
    return Places(
        countries=COUNTRIES,
        region_names=tuple(region[1] for region in regions),
        region_country=owners,
        region_price=np.array([float(region[2]) for region in regions]),
        city_names=tuple(city[1] for city in cities),
        city_region=city_region,
        city_weight=drawn / np.bincount(country, drawn)[country],
        city_latitude=np.array([city[2] for city in cities]),
        city_longitude=np.array([city[3] for city in cities]),
    )


def _cities(text: str) -> Iterator[tuple[str, float, float, float]]:
    for city in text.split(";"):
        name, latitude, longitude, people = city.rsplit(" ", 3)
        yield name, float(latitude), float(longitude), float(people)

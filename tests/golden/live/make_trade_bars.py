#!/usr/bin/env python3
"""Bars of the recorded trades, by exact decimals, for tests/unit/live/test_trade_bars.c:
make_trade_bars.py DATA > trade_bars.csv, DATA being the folder data/tick of the recordings."""

import csv
import gzip
import sys
from decimal import Decimal, getcontext

getcontext().prec = 60
# file, column of time, its unit in a second, columns of price and size, seconds a bar
FILES = (
    ("trades/kraken/BCHEUR-2023q1.csv.gz", "time", 1, "price", "volume", 3600),
    ("trades/binance/XRPETH.csv.gz", "time_ms", 1000, "price", "size", 14400),
    ("lob/binance-spot/btcusdt-trades.csv.gz", "time_ms", 1000, "price", "size", 60),
    ("lob/binance-usdm/btcusdt-trades.csv.gz", "time_ms", 1000, "price", "size", 60),
)

for name, time, unit, price, size, step in FILES:
    bars = {}
    with gzip.open(f"{sys.argv[1]}/{name}", "rt") as f:
        rows = sorted(csv.DictReader(f), key=lambda r: int(r[time]))  # stable
    for row in rows:
        at = int(row[time]) // unit // step * step
        bars.setdefault(at, []).append((Decimal(row[price]), Decimal(row[size])))
    for at, trades in sorted(bars.items()):
        prices = [p for p, _ in trades]
        values = [prices[0], max(prices), min(prices), prices[-1], sum(q for _, q in trades)]
        print(name, at, *(format(v.normalize(), "f") for v in values), len(trades), sep=",")

"""Writes candles/demo/SYN0-1h.csv: invented hourly candles for the examples in wick's help. Needs: nothing."""
import pathlib
import random

rng = random.Random(1)
folder = pathlib.Path(__file__).parent / "candles" / "demo"
folder.mkdir(parents=True, exist_ok=True)
price = 10000  # cents
with open(folder / "SYN0-1h.csv", "w") as f:
    f.write("time,open,high,low,close,volume\n")
    for i in range(240):
        close = price + rng.randint(-80, 80)
        high = max(price, close) + rng.randint(0, 40)
        low = min(price, close) - rng.randint(0, 40)
        cells = [price / 100, high / 100, low / 100, close / 100, rng.randint(1, 999999) / 1000]
        f.write(f"{1704067200 + 3600 * i}," + ",".join(repr(c) for c in cells) + "\n")
        price = close

"""Makes book streams with checksums as Kraken (WebSocket v2) and Delta Exchange (ob_updates) send them,
written from the venues' documentation alone; nothing here knows wick. Needs Python 3 only.

    python3 make_book_streams.py kraken > ../../unit/data/book_stream_kraken.txt
    python3 make_book_streams.py delta  > ../../unit/data/book_stream_delta.txt
    python3 make_book_streams.py kraken --lob btcusdt-top10.csv.gz    # from recorded books
    python3 make_book_streams.py kraken --v1 KRAKEN.ws.50.0.txt.gz    # from recorded v1 frames

Two lines a message: the frame, then the venue's book after it as "asks|bids", each "price:qty,...",
best first, in the market's decimals. Without a file the prices are synthetic (a seeded walk)."""
import argparse
import csv
import gzip
import json
import random
import zlib
from decimal import Decimal

DEPTH = 10


def fixed(value, decimals):
    return f"{Decimal(value):.{decimals}f}"


def state_line(asks, bids, price_decimals, qty_decimals):
    side = lambda levels: ",".join(
        f"{fixed(p, price_decimals)}:{fixed(q, qty_decimals)}" for p, q in levels)
    return side(asks) + "|" + side(bids)


def kraken_checksum(asks, bids, price_decimals, qty_decimals):
    text = ""
    for price, qty in asks[:10] + bids[:10]:
        for value, decimals in ((price, price_decimals), (qty, qty_decimals)):
            text += fixed(value, decimals).replace(".", "").lstrip("0")
    return zlib.crc32(text.encode())


def best(book, is_ask):
    return sorted(book.items(), key=lambda level: level[0], reverse=not is_ask)


class Kraken:
    """Tells a subscriber of depth 10 what changed; levels that better ones push out are not named."""

    def __init__(self, symbol, price_decimals, qty_decimals, varied, depth=DEPTH):
        self.symbol, self.pd, self.qd, self.depth = symbol, price_decimals, qty_decimals, depth
        self.varied = random.Random(3) if varied else None
        self.told = None

    def number(self, value, decimals):
        text = fixed(value, decimals)
        if self.varied and value:
            style = self.varied.randrange(4)
            if style == 0:
                text = str(Decimal(text).normalize())  # 0.566, 1E-8
                text = text.replace("E", "e") if "E" in text else text
            elif style == 1 and Decimal(text) < 1:
                m, e = f"{Decimal(text).normalize():e}".split("e")
                text = f"{m}e-{-int(e):02d}"
        return text

    def message(self, asks, bids, timestamp):
        asks, bids = asks[:self.depth], bids[:self.depth]
        parts = []
        for is_ask, now in ((False, bids), (True, asks)):
            changes = []
            old = dict(self.told[is_ask]) if self.told else {}
            new = dict(now)
            for price in old:
                pushed_out = len(now) == self.depth and (
                    price > now[-1][0] if is_ask else price < now[-1][0])
                if price not in new and not pushed_out:
                    changes.append((price, Decimal(0)))
            changes += [(p, q) for p, q in now if old.get(p) != q]
            parts.append(",".join(
                f'{{"price":{self.number(p, self.pd)},"qty":{self.number(q, self.qd)}}}'
                for p, q in changes))
        kind = "update" if self.told else "snapshot"
        self.told = {True: asks, False: bids}
        if not parts[0] and not parts[1]:
            return
        checksum = kraken_checksum(asks, bids, self.pd, self.qd)
        print(f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self.symbol}",'
              f'"bids":[{parts[0]}],"asks":[{parts[1]}],"checksum":{checksum},'
              f'"timestamp":"{timestamp}"}}]}}')
        print(state_line(asks, bids, self.pd, self.qd))


class Delta:
    """The whole book; the checksum is over the texts as they were sent."""

    def __init__(self, symbol, price_decimals, qty_decimals, varied):
        self.symbol, self.pd, self.qd = symbol, price_decimals, qty_decimals
        self.varied = random.Random(4) if varied else None
        self.texts = None  # is_ask -> price -> (qty, price text, qty text)
        self.sequence = 6199

    def text(self, value, decimals):
        text = fixed(value, decimals)
        if self.varied and self.varied.randrange(3) == 0 and "." in text:
            text = text.rstrip("0").rstrip(".")
        return text

    def message(self, asks, bids, timestamp):
        is_first = self.texts is None
        texts = self.texts or {True: {}, False: {}}
        rows = {}
        for is_ask, now in ((True, asks), (False, bids)):
            new, kept = dict(now), texts[is_ask]
            rows[is_ask] = []
            for price in [p for p in kept if p not in new]:
                rows[is_ask].append([kept.pop(price)[1], "0"])
            for price, qty in now:
                if price not in kept or kept[price][0] != qty:
                    kept[price] = (qty, self.text(price, self.pd), self.text(qty, self.qd))
                    rows[is_ask].append(list(kept[price][1:]))
        self.texts = texts
        if not rows[True] and not rows[False]:
            return
        side = lambda is_ask: ",".join(
            f"{t[1]}:{t[2]}" for _, t in best(texts[is_ask], is_ask)[:10])
        checksum = zlib.crc32(f"{side(True)}|{side(False)}".encode())
        self.sequence += 1
        print(json.dumps({"action": "snapshot" if is_first else "update", "a": rows[True],
                          "b": rows[False], "ts": timestamp, "seq": self.sequence,
                          "sy": self.symbol, "type": "ob_updates", "cs": checksum},
                         separators=(",", ":")))
        print(state_line(asks, bids, self.pd, self.qd))


def walk(n, tick, lot, mid, levels):
    """A synthetic market: n states of (asks, bids)."""
    rng = random.Random(11)
    books = {True: {}, False: {}}
    size = lambda: lot * rng.choice([1, rng.randrange(1, 10**4), rng.randrange(1, 10**9)])
    for i in range(levels):
        books[True][mid + tick * (2 * i + 2)] = size()
        books[False][mid - tick * (2 * i + 2)] = size()
    for _ in range(n):
        yield best(books[True], True), best(books[False], False)
        for _ in range(rng.choice([1, 1, 2, 3])):
            is_ask = rng.random() < 0.5
            book = best(books[is_ask], is_ask)
            price = book[min(int(rng.expovariate(0.4)), len(book) - 1)][0]
            op = rng.random()
            if op < 0.3 and len(book) > levels - 3:
                del books[is_ask][price]
            elif op < 0.6:
                better = price - tick if is_ask else price + tick
                other = best(books[not is_ask], not is_ask)[0][0]
                if (better > other) if is_ask else (better < other):
                    books[is_ask][better] = size()
            else:
                books[is_ask][price] = size()


def recorded_top10(path):
    with gzip.open(path, "rt") as file:
        for row in csv.reader(file):
            if not row[0].isdigit():
                continue
            v = [Decimal(x) for x in row[1:41]]
            levels = [v[i:i + 4] for i in range(0, 40, 4)]
            yield row[0], [(a, q) for a, q, _, _ in levels], [(b, q) for _, _, b, q in levels]


def recorded_v1(path):
    """(pair, asks, bids, decimals) after every v1 message."""
    books = {}
    with gzip.open(path, "rt") as file:
        for line in file:
            at = line.find(": ")
            if not line[:1].isdigit() or line[at + 2:at + 3] != "[":
                continue
            frame = json.loads(line[at + 2:])
            pair = frame[-1]
            payload = {}
            for part in frame[1:-2]:
                payload.update(part)
            if "as" in payload:
                sample = payload["as"][0]
                books[pair] = ({True: {}, False: {}}, len(sample[0].split(".")[1]),
                               len(sample[1].split(".")[1]))
            book, price_decimals, qty_decimals = books[pair]
            for key in ("as", "a", "bs", "b"):
                for row in payload.get(key, []):
                    price, qty = Decimal(row[0]), Decimal(row[1])
                    if qty:
                        book[key[0] == "a"][price] = qty
                    else:
                        book[key[0] == "a"].pop(price, None)
            for is_ask in (True, False):
                for price, _ in best(book[is_ask], is_ask)[1000:]:
                    del book[is_ask][price]
            yield pair, best(book[True], True), best(book[False], False), price_decimals, qty_decimals


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dialect", choices=["kraken", "delta"])
    parser.add_argument("--lob")
    parser.add_argument("--v1")
    parser.add_argument("--messages", type=int, default=120)
    args = parser.parse_args()
    kind = Kraken if args.dialect == "kraken" else Delta
    if args.lob:
        stream = kind("BTC/USD" if kind is Kraken else "BTCUSD", 2, 5, False)
        for time_ms, asks, bids in recorded_top10(args.lob):
            stamp = "2024-08-08T23:54:15.000000Z" if kind is Kraken else int(time_ms) * 1000
            stream.message(asks, bids, stamp)
    elif args.v1:
        streams = {}
        for pair, asks, bids, pd, qd in recorded_v1(args.v1):
            stream = streams.setdefault(pair, kind(pair, pd, qd, False))
            stream.message(asks, bids, "2021-04-17T16:48:53.366461Z")
    elif kind is Kraken:
        stream = Kraken("TOY/USD", 4, 8, True)
        for i, (asks, bids) in enumerate(
                walk(args.messages, Decimal("0.0001"), Decimal("1e-8"), Decimal("0.5660"), 14)):
            stream.message(asks, bids, f"2023-10-06T17:35:{i % 60:02d}.{i * 7919 % 1000000:06d}Z")
    else:
        stream = Delta("TOYUSD", 1, 0, True)
        for i, (asks, bids) in enumerate(
                walk(args.messages, Decimal("0.5"), Decimal(1), Decimal("16918.5"), 14)):
            stream.message(asks, bids, 1671140718980723 + i * 100003)


if __name__ == "__main__":
    main()

#include "build.h"

#include "wick/clock.h"

__extension__ typedef __int128 wide; /* products of prices and powers of ten */

static bool is_small(wide x)
{
    return x <= INT64_MAX && x >= -INT64_MAX;
}

static wide power_of_ten(int n)
{
    wide power = 1;
    while (n-- > 0)
        power *= 10;
    return power;
}

int wk__decimal_compare(wk_decimal a, wk_decimal b)
{
    int apart = a.scale - b.scale;
    if (apart > 18 || apart < -18) {
        double x = wk_decimal_to_double(a), y = wk_decimal_to_double(b);
        return x < y ? -1 : x > y;
    }
    wide x = a.digits, y = b.digits;
    if (apart < 0)
        x *= power_of_ten(-apart);
    else
        y *= power_of_ten(apart);
    return x < y ? -1 : x > y;
}

bool wk__decimal_add(wk_decimal a, wk_decimal b, wk_decimal *out)
{
    a = wk__rest_trim(a);
    b = wk__rest_trim(b);
    int scale = a.scale > b.scale ? a.scale : b.scale;
    if (scale - a.scale > 18 || scale - b.scale > 18)
        return false;
    wide sum = a.digits * power_of_ten(scale - a.scale) + b.digits * power_of_ten(scale - b.scale);
    if (!is_small(sum))
        return false;
    *out = (wk_decimal){(int64_t)sum, scale};
    return true;
}

bool wk__decimal_multiply(wk_decimal a, wk_decimal b, wk_decimal *out)
{
    a = wk__rest_trim(a);
    b = wk__rest_trim(b);
    wide product = (wide)a.digits * b.digits;
    int scale = a.scale + b.scale;
    while (scale > 0 && product % 10 == 0) {
        product /= 10;
        scale--;
    }
    if (!is_small(product) || scale > 36)
        return false;
    *out = (wk_decimal){(int64_t)product, scale};
    return true;
}

void wk__build_add(wk_candle_build *build, wk_decimal open, wk_decimal high, wk_decimal low,
                   wk_decimal close, wk_decimal volume)
{
    if (!build->has_trades) {
        *build = (wk_candle_build){
            .has_trades = true, .open = open, .high = high, .low = low, .volume_is_exact = true};
    } else {
        if (wk__decimal_compare(high, build->high) > 0)
            build->high = high;
        if (wk__decimal_compare(low, build->low) < 0)
            build->low = low;
    }
    build->close = close;
    if (volume.scale < 0)
        return;
    build->volume_is_told = true;
    build->volume_sum += wk_decimal_to_double(volume);
    if (build->volume_is_exact && !wk__decimal_add(build->volume, volume, &build->volume))
        build->volume_is_exact = false;
}

double wk__build_volume(const wk_candle_build *build, wk_decimal unit)
{
    wk_decimal product;
    if (!build->volume_is_told || unit.scale < 0)
        return 0;
    if (build->volume_is_exact && wk__decimal_multiply(build->volume, unit, &product))
        return wk_decimal_to_double(product);
    double volume =
        build->volume_is_exact ? wk_decimal_to_double(build->volume) : build->volume_sum;
    return volume * wk_decimal_to_double(unit);
}

static bool is_empty(const wk_rest_candle *row)
{
    return row->volume.scale >= 0 && row->volume.digits == 0 &&
           wk__decimal_compare(row->open, row->close) == 0 &&
           wk__decimal_compare(row->high, row->low) == 0;
}

size_t wk__build_bars(const wk_rest_candle *rows, size_t n, int64_t timeframe_ns,
                      wk_decimal volume_unit, int64_t arrival_ns, wk_fresh_bar *out)
{
    size_t made = 0;
    for (size_t i = 0; i < n;) {
        int64_t open_ns = wk_bucket_start(rows[i].open_ns, timeframe_ns);
        wk_candle_build build = {0};
        const wk_rest_candle *flat = &rows[i];
        for (; i < n && rows[i].open_ns < open_ns + timeframe_ns; i++) {
            if (is_empty(&rows[i]))
                flat = &rows[i];
            else
                wk__build_add(&build, rows[i].open, rows[i].high, rows[i].low, rows[i].close,
                              rows[i].volume);
        }
        bool traded = build.has_trades;
        if (!traded)
            wk__build_add(&build, flat->close, flat->close, flat->close, flat->close, flat->volume);
        out[made++] =
            (wk_fresh_bar){.bar = {.time_ns = open_ns,
                                   .open = wk_decimal_to_double(build.open),
                                   .high = wk_decimal_to_double(build.high),
                                   .low = wk_decimal_to_double(build.low),
                                   .close = wk_decimal_to_double(build.close),
                                   .volume = wk__build_volume(&build, volume_unit)},
                           .provenance = traded ? WK_PROV_TRADED : WK_PROV_CONFIRMED_EMPTY,
                           .arrival_ns = arrival_ns};
    }
    return made;
}

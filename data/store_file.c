/* Years of bars and of values as HDF5 files. */
#include "store_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_hdf5.h"
#include "wick/file.h"

enum { N_COLUMNS = 7, N_REVISION_COLUMNS = 9 };

/* A bar's columns, then those that only a revision has. */
static const char *const column_names[N_REVISION_COLUMNS] = {
    "time", "open", "high", "low", "close", "volume", "provenance", "arrival", "replaced"};

static hid_t disk_type(int c)
{
    return c == 6 ? H5T_STD_U8LE : c == 0 || c > 6 ? H5T_STD_I64LE : H5T_IEEE_F64LE;
}

static hid_t memory_type(int c)
{
    return c == 6 ? H5T_NATIVE_UINT8 : c == 0 || c > 6 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
}

/* Column c < 6 of a bar. */
static double *price_of(wk_bar *b, int c)
{
    switch (c) {
    case 1:
        return &b->open;
    case 2:
        return &b->high;
    case 3:
        return &b->low;
    case 4:
        return &b->close;
    default:
        return &b->volume;
    }
}

/* Column c of the series as one array of 8-byte numbers, or the provenance bytes themselves. */
static const void *gather(const wk_series *s, int c, double *buffer)
{
    if (c == 6)
        return s->provenance;
    for (size_t i = 0; i < s->n; i++) {
        if (c == 0)
            memcpy(&buffer[i], &s->bars[i].time_ns, sizeof *buffer);
        else
            buffer[i] = *price_of(&s->bars[i], c);
    }
    return buffer;
}

static void scatter(wk_series *s, int c, const double *buffer)
{
    for (size_t i = 0; i < s->n; i++) {
        if (c == 0)
            memcpy(&s->bars[i].time_ns, &buffer[i], sizeof *buffer);
        else
            *price_of(&s->bars[i], c) = buffer[i];
    }
}

static void *revision_field(wk_revision *r, int c)
{
    return c == 0   ? (void *)&r->bar.time_ns
           : c == 6 ? (void *)&r->provenance
           : c == 7 ? (void *)&r->arrival_ns
           : c == 8 ? (void *)&r->replaced_ns
                    : (void *)price_of(&r->bar, c);
}

void wk__year_finish(wk__year *year)
{
    if (!year)
        return;
    wk_series_finish(&year->series);
    free(year->revisions);
    *year = (wk__year){0};
}

wk_status wk__find_gaps(const wk_series *s, wk_store_gap **out, size_t *n, wk_err *err)
{
    size_t count, missing, k = 0;
    wk_series_gaps(s, &count, &missing);
    wk_store_gap *list = malloc((count ? count : 1) * sizeof *list);
    if (!list)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu gaps of %s", count, s->symbol);
    for (size_t i = 1; i < s->n; i++) {
        int64_t step = s->bars[i].time_ns - s->bars[i - 1].time_ns;
        if (step > s->timeframe_ns)
            list[k++] = (wk_store_gap){s->bars[i - 1].time_ns + s->timeframe_ns,
                                       step / s->timeframe_ns - 1};
    }
    *out = list;
    *n = k;
    return WK_OK;
}

static int write_attributes(hid_t file, const wk_series *s)
{
    int price = 0, volume = 0;
    wk_series_decimals(s, &price, &volume);
    return wk__hdf5_write_text(file, "venue", s->venue) &&
           wk__hdf5_write_text(file, "symbol", s->symbol) &&
           wk__hdf5_write_attribute(file, "timeframe_ns", H5T_STD_I64LE, H5T_NATIVE_INT64,
                                    &s->timeframe_ns) &&
           wk__hdf5_write_attribute(file, "price_decimals", H5T_STD_I32LE, H5T_NATIVE_INT,
                                    &price) &&
           wk__hdf5_write_attribute(file, "volume_decimals", H5T_STD_I32LE, H5T_NATIVE_INT,
                                    &volume) &&
           wk__hdf5_write_attribute(file, "first_ns", H5T_STD_I64LE, H5T_NATIVE_INT64,
                                    &s->bars[0].time_ns) &&
           wk__hdf5_write_attribute(file, "last_ns", H5T_STD_I64LE, H5T_NATIVE_INT64,
                                    &s->bars[s->n - 1].time_ns);
}

/* Few and small: one contiguous table [n, 2] without compression. */
static int write_gaps(hid_t file, const wk_store_gap *gaps, size_t n)
{
    hsize_t shape[2] = {n, 2};
    hid_t space = H5Screate_simple(2, shape, NULL), layout = H5Pcreate(H5P_DATASET_CREATE);
    hid_t set = -1;
    if (space >= 0 && layout >= 0 && H5Pset_obj_track_times(layout, 0) >= 0)
        set = H5Dcreate2(file, "gaps", H5T_STD_I64LE, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    int ok = set >= 0 && H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, gaps) >= 0;
    if (set >= 0)
        H5Dclose(set);
    if (layout >= 0)
        H5Pclose(layout);
    if (space >= 0)
        H5Sclose(space);
    return ok;
}

static int write_revisions(hid_t file, wk_revision *revisions, size_t n)
{
    int64_t *buffer = malloc(n * sizeof *buffer);
    uint8_t *bytes = malloc(n);
    hid_t group = buffer && bytes ? wk__hdf5_group(file, "revisions") : -1;
    int ok = group >= 0;
    for (int c = 0; ok && c < N_REVISION_COLUMNS; c++) {
        for (size_t i = 0; i < n; i++)
            if (c == 6)
                bytes[i] = revisions[i].provenance;
            else
                memcpy(&buffer[i], revision_field(&revisions[i], c), sizeof *buffer);
        ok = wk__hdf5_write_column(group, column_names[c], disk_type(c), memory_type(c), n,
                                   c == 6 ? (void *)bytes : (void *)buffer);
    }
    if (group >= 0)
        H5Gclose(group);
    free(buffer);
    free(bytes);
    return ok;
}

wk_status wk__year_encode(const wk__year *year, char **bytes, size_t *size_bytes, wk_err *err)
{
    const wk_series *s = &year->series;
    WK_ASSERT(s->n > 0);
    wk_store_gap *gaps = NULL;
    size_t n_gaps = 0;
    WK_TRY(wk__find_gaps(s, &gaps, &n_gaps, err));
    double *buffer = malloc(s->n * sizeof *buffer);
    if (!buffer) {
        free(gaps);
        return wk_fail(err, WK_E_NOMEM, "out of memory writing %zu bars", s->n);
    }
    wk__quiet before = wk__hdf5_be_quiet();
    hid_t file = wk__hdf5_new();
    int ok = file >= 0 && write_attributes(file, s);
    for (int c = 0; ok && c < N_COLUMNS; c++)
        ok = wk__hdf5_write_column(file, column_names[c], disk_type(c), memory_type(c), s->n,
                                   gather(s, c, buffer));
    if (ok && n_gaps > 0)
        ok = write_gaps(file, gaps, n_gaps);
    if (ok && year->n_revisions > 0)
        ok = write_revisions(file, year->revisions, year->n_revisions);
    char *image = ok ? wk__hdf5_image(file, size_bytes) : NULL;
    wk_status status =
        image ? WK_OK : wk__hdf5_fail(err, WK_E_IO, "cannot build the store file of", s->symbol);
    if (file >= 0)
        H5Fclose(file);
    wk__hdf5_speak_again(before);
    free(buffer);
    free(gaps);
    if (status == WK_OK)
        *bytes = image;
    return status;
}

static wk_status read_columns(hid_t file, const char *path, wk__load what, wk_series *s,
                              double *buffer, wk_err *err)
{
    for (int c = 0; c < N_COLUMNS; c++) {
        if (what == WK__LOAD_TIMES && c > 0 && c < 6)
            continue;
        if (wk__hdf5_rows(file, column_names[c]) != s->n)
            return wk_fail(err, WK_E_DATA,
                           "%s: column \"%s\" is missing or has other rows than \"time\"; `wick "
                           "store check --repair` moves the file aside",
                           path, column_names[c]);
        if (!wk__hdf5_read_column(file, column_names[c], memory_type(c),
                                  c == 6 ? (void *)s->provenance : (void *)buffer))
            return wk__hdf5_fail(err, WK_E_DATA, "cannot read", path);
        if (c != 6)
            scatter(s, c, buffer);
    }
    return WK_OK;
}

static wk_status read_revisions(hid_t file, const char *path, wk__year *year, wk_err *err)
{
    if (!wk__hdf5_has(file, "revisions"))
        return WK_OK;
    hid_t group = H5Gopen2(file, "revisions", H5P_DEFAULT);
    size_t n = group < 0 ? 0 : wk__hdf5_rows(group, "time");
    wk_revision *list = calloc(n ? n : 1, sizeof *list);
    int64_t *buffer = malloc((n ? n : 1) * sizeof *buffer);
    wk_status status = WK_OK;
    if (!list || !buffer)
        status = wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    else if (n == 0)
        status = wk__hdf5_fail(err, WK_E_DATA, "cannot read the revisions of", path);
    for (int c = 0; status == WK_OK && c < N_REVISION_COLUMNS; c++) {
        if (wk__hdf5_rows(group, column_names[c]) != n ||
            !wk__hdf5_read_column(group, column_names[c], memory_type(c), buffer)) {
            status = wk__hdf5_fail(err, WK_E_DATA, "cannot read the revisions of", path);
            break;
        }
        for (size_t i = 0; i < n; i++)
            if (c == 6)
                list[i].provenance = ((const uint8_t *)buffer)[i];
            else
                memcpy(revision_field(&list[i], c), &buffer[i], sizeof *buffer);
    }
    if (group >= 0)
        H5Gclose(group);
    free(buffer);
    if (status != WK_OK) {
        free(list);
        return status;
    }
    year->revisions = list;
    year->n_revisions = n;
    return WK_OK;
}

void wk__year_read_revisions(int64_t file, const char *path, wk__year *out)
{
    wk_err ignored;
    if (read_revisions((hid_t)file, path, out, &ignored) != WK_OK)
        out->n_revisions = 0;
}

static wk_status read_names(hid_t file, const char *path, char venue[32], char symbol[32],
                            wk_err *err)
{
    if (!wk__hdf5_read_text(file, "venue", venue, 32) ||
        !wk__hdf5_read_text(file, "symbol", symbol, 32))
        return wk_fail(err, WK_E_DATA,
                       "%s lacks the attributes venue and symbol; it is no file of a candle store",
                       path);
    return WK_OK;
}

static wk_status read_year(hid_t file, const char *path, wk__load what, wk__year *out, wk_err *err)
{
    wk__year year = {0};
    int64_t timeframe_ns = 0;
    char venue[32], symbol[32];
    WK_TRY(read_names(file, path, venue, symbol, err));
    if (!wk__hdf5_read_attribute(file, "timeframe_ns", H5T_NATIVE_INT64, &timeframe_ns) ||
        timeframe_ns <= 0)
        return wk_fail(err, WK_E_DATA,
                       "%s lacks the attribute timeframe_ns; it is no file of candles", path);
    size_t n = wk__hdf5_rows(file, "time");
    if (n == 0)
        return wk_fail(err, WK_E_DATA, "%s holds no bars; delete it", path);
    WK_TRY(wk_series_create(venue, symbol, timeframe_ns, n, &year.series, err));
    double *buffer = malloc(n * sizeof *buffer);
    wk_status status = buffer ? read_columns(file, path, what, &year.series, buffer, err)
                              : wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    free(buffer);
    if (status == WK_OK && what == WK__LOAD_ALL)
        status = read_revisions(file, path, &year, err);
    if (status == WK_OK)
        *out = year;
    else
        wk__year_finish(&year);
    return status;
}

static wk_status read_summary(hid_t file, const char *path, wk__summary *out, wk_err *err)
{
    wk__summary s = {.n = wk__hdf5_rows(file, "time")};
    if (!wk__hdf5_read_attribute(file, "timeframe_ns", H5T_NATIVE_INT64, &s.timeframe_ns) ||
        !wk__hdf5_read_attribute(file, "first_ns", H5T_NATIVE_INT64, &s.first_ns) ||
        !wk__hdf5_read_attribute(file, "last_ns", H5T_NATIVE_INT64, &s.last_ns) || s.n == 0)
        return wk_fail(err, WK_E_NOT_FOUND, "%s has no summary", path);
    if (wk__hdf5_has(file, "revisions"))
        s.n_revisions = wk__hdf5_rows(file, "revisions/time");
    if (wk__hdf5_has(file, "gaps")) {
        hsize_t shape[2] = {0, 0};
        hid_t set = H5Dopen2(file, "gaps", H5P_DEFAULT);
        hid_t space = set < 0 ? -1 : H5Dget_space(set);
        if (space >= 0 && H5Sget_simple_extent_ndims(space) == 2)
            H5Sget_simple_extent_dims(space, shape, NULL);
        if (space >= 0)
            H5Sclose(space);
        if (set >= 0)
            H5Dclose(set);
        /* A gap lies between two bars, so that there are fewer gaps than bars. */
        if (shape[1] != 2 || shape[0] >= s.n)
            return wk_fail(err, WK_E_NOT_FOUND, "%s has an odd summary", path);
        s.n_gaps = (size_t)shape[0];
        s.gaps = malloc((s.n_gaps ? s.n_gaps : 1) * sizeof *s.gaps);
        if (!s.gaps)
            return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
        if (!wk__hdf5_read_column(file, "gaps", H5T_NATIVE_INT64, s.gaps)) {
            free(s.gaps);
            return wk__hdf5_fail(err, WK_E_DATA, "cannot read the gaps of", path);
        }
    }
    *out = s;
    return WK_OK;
}

static wk_status read_values(hid_t file, const char *path, wk__values *out, wk_err *err)
{
    wk__values values = {.n = wk__hdf5_rows(file, "time")};
    WK_TRY(read_names(file, path, values.venue, values.symbol, err));
    if (!wk__hdf5_read_text(file, "name", values.name, sizeof values.name) || values.n == 0 ||
        wk__hdf5_rows(file, "known") != values.n || wk__hdf5_rows(file, "value") != values.n)
        return wk_fail(err, WK_E_DATA, "%s is no file of values; `wick store check` tells more",
                       path);
    int64_t *times = malloc(2 * values.n * sizeof *times);
    double *numbers = malloc(values.n * sizeof *numbers);
    values.v = malloc(values.n * sizeof *values.v);
    wk_status status = WK_OK;
    if (!times || !numbers || !values.v)
        status = wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    else if (!wk__hdf5_read_column(file, "time", H5T_NATIVE_INT64, times) ||
             !wk__hdf5_read_column(file, "known", H5T_NATIVE_INT64, times + values.n) ||
             !wk__hdf5_read_column(file, "value", H5T_NATIVE_DOUBLE, numbers))
        status = wk__hdf5_fail(err, WK_E_DATA, "cannot read", path);
    for (size_t i = 0; status == WK_OK && i < values.n; i++)
        values.v[i] = (wk_fresh_value){times[i], times[values.n + i], numbers[i]};
    free(times);
    free(numbers);
    if (status == WK_OK)
        *out = values;
    else
        free(values.v);
    return status;
}

wk_status wk__values_encode(const wk__values *values, char **bytes, size_t *size_bytes, wk_err *err)
{
    size_t n = values->n;
    WK_ASSERT(n > 0);
    int64_t *times = malloc(2 * n * sizeof *times);
    double *numbers = malloc(n * sizeof *numbers);
    if (!times || !numbers) {
        free(times);
        free(numbers);
        return wk_fail(err, WK_E_NOMEM, "out of memory writing %zu values", n);
    }
    for (size_t i = 0; i < n; i++) {
        times[i] = values->v[i].time_ns;
        times[n + i] = values->v[i].known_ns;
        numbers[i] = values->v[i].value;
    }
    wk__quiet before = wk__hdf5_be_quiet();
    hid_t file = wk__hdf5_new();
    int ok = file >= 0 && wk__hdf5_write_text(file, "venue", values->venue) &&
             wk__hdf5_write_text(file, "symbol", values->symbol) &&
             wk__hdf5_write_text(file, "name", values->name) &&
             wk__hdf5_write_column(file, "time", H5T_STD_I64LE, H5T_NATIVE_INT64, n, times) &&
             wk__hdf5_write_column(file, "known", H5T_STD_I64LE, H5T_NATIVE_INT64, n, times + n) &&
             wk__hdf5_write_column(file, "value", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, n, numbers);
    char *image = ok ? wk__hdf5_image(file, size_bytes) : NULL;
    wk_status status =
        image ? WK_OK
              : wk__hdf5_fail(err, WK_E_IO, "cannot build the store file of", values->symbol);
    if (file >= 0)
        H5Fclose(file);
    wk__hdf5_speak_again(before);
    free(times);
    free(numbers);
    if (status == WK_OK)
        *bytes = image;
    return status;
}

/* Opens the file and hands it to one of the three readers above. */
typedef struct {
    wk__load what;
    wk__year *year;
    wk__summary *summary;
    wk__values *values;
} reading;

static wk_status with_file(const char *path, reading r, wk_err *err)
{
    char *bytes;
    size_t size_bytes;
    WK_TRY(wk_file_read(path, &bytes, &size_bytes, err));
    wk__quiet before = wk__hdf5_be_quiet();
    hid_t file = wk__hdf5_open(bytes, size_bytes);
    wk_status status;
    if (file < 0)
        status = wk__hdf5_fail(err, WK_E_DATA, "cannot read", path);
    else if (r.year)
        status = read_year(file, path, r.what, r.year, err);
    else if (r.summary)
        status = read_summary(file, path, r.summary, err);
    else
        status = read_values(file, path, r.values, err);
    if (file >= 0)
        H5Fclose(file);
    wk__hdf5_speak_again(before);
    free(bytes);
    return status;
}

wk_status wk__year_load(const char *path, wk__load what, wk__year *out, wk_err *err)
{
    return with_file(path, (reading){.what = what, .year = out}, err);
}

wk_status wk__year_summary(const char *path, wk__summary *out, wk_err *err)
{
    return with_file(path, (reading){.summary = out}, err);
}

wk_status wk__values_load(const char *path, wk__values *out, wk_err *err)
{
    return with_file(path, (reading){.values = out}, err);
}

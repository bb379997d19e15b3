/* check_openapi PORT SYMBOL REQUESTS: asks every documented path of a running service and holds the
 * answers against the OpenAPI file that it gives: documented statuses, fields, types, and nothing
 * beside them. REQUESTS has a line "STATUS BODY" for each POST to /v1/predict. The metrics are read
 * as Prometheus would. Prints TAP. */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int port, n_tests, failed;
static json_t *document;
static char why[512];

static void ok(int fine, const char *name, const char *more)
{
    printf("%sok %d - %s%s%s\n", fine ? "" : "not ", ++n_tests, name, *more ? ": " : "", more);
    if (!fine)
        printf("# %s\n", why), failed = 1;
}

static int wrong(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return 0;
}

/* ---- JSON Schema, as far as the file uses it ---- */

static int fits(const json_t *schema, const json_t *x, const char *at);

static int is_type(const char *type, const json_t *x)
{
    return strcmp(type, "object") == 0    ? json_is_object(x)
           : strcmp(type, "array") == 0   ? json_is_array(x)
           : strcmp(type, "string") == 0  ? json_is_string(x)
           : strcmp(type, "integer") == 0 ? json_is_integer(x)
           : strcmp(type, "number") == 0  ? json_is_number(x)
           : strcmp(type, "boolean") == 0 ? json_is_boolean(x)
           : strcmp(type, "null") == 0    ? json_is_null(x)
                                          : 0;
}

static int fits_type(const json_t *type, const json_t *x, const char *at)
{
    size_t i;
    json_t *one;
    if (!type || (json_is_string(type) && is_type(json_string_value(type), x)))
        return 1;
    json_array_foreach(type, i, one) if (is_type(json_string_value(one), x)) return 1;
    return wrong("%s: the type is another", at);
}

static int fits_object(const json_t *schema, const json_t *x, const char *at)
{
    const json_t *properties = json_object_get(schema, "properties");
    const char *key;
    size_t i;
    json_t *value;
    json_array_foreach(
        json_object_get(schema, "required"), i,
        value) if (!json_object_get(x, json_string_value(value))) return wrong("%s: %s is missing",
                                                                               at,
                                                                               json_string_value(
                                                                                   value));
    json_object_foreach((json_t *)x, key, value)
    {
        char below[256];
        snprintf(below, sizeof below, "%.180s.%.60s", at, key);
        json_t *known = json_object_get(properties, key);
        if (!known && json_is_false(json_object_get(schema, "additionalProperties")))
            return wrong("%s is not documented", below);
        if (known && !fits(known, value, below))
            return 0;
    }
    return 1;
}

static int fits(const json_t *schema, const json_t *x, const char *at)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (ref) {
        const char *name = strrchr(ref, '/') + 1;
        const json_t *all = json_object_get(json_object_get(document, "components"), "schemas");
        const json_t *there = json_object_get(all, name);
        return there ? fits(there, x, at) : wrong("%s: there is no schema %s", at, name);
    }
    size_t i, n_fit = 0;
    json_t *one;
    const json_t *any = json_object_get(schema, "oneOf"), *values = json_object_get(schema, "enum");
    json_array_foreach(any, i, one) n_fit += (size_t)fits(one, x, at);
    if (any && n_fit != 1)
        return n_fit ? wrong("%s fits %zu of oneOf", at, n_fit) : 0;
    int found = !values;
    json_array_foreach(values, i, one) found |= json_equal(one, x);
    if (!found)
        return wrong("%s: the value is none of the enum", at);
    if (!fits_type(json_object_get(schema, "type"), x, at))
        return 0;
    if (json_is_object(x))
        return fits_object(schema, x, at);
    const json_t *items = json_object_get(schema, "items"),
                 *least = json_object_get(schema, "minItems"),
                 *most = json_object_get(schema, "maxItems");
    if (json_is_array(x) &&
        ((least && (json_int_t)json_array_size(x) < json_integer_value(least)) ||
         (most && (json_int_t)json_array_size(x) > json_integer_value(most))))
        return wrong("%s has %zu items", at, json_array_size(x));
    json_array_foreach(x, i, one)
    {
        char below[256];
        snprintf(below, sizeof below, "%.200s[%zu]", at, i);
        if (items && !fits(items, one, below))
            return 0;
    }
    return 1;
}

/* ---- HTTP ---- */

/* The answer's body, NULL when there is none; the caller frees. */
static char *ask(const char *method, const char *path, const char *body, int *status,
                 char type[128])
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    char head[512], *text = NULL;
    size_t n = 0, room = 0;
    snprintf(head, sizeof head,
             "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
             method, path, strlen(body));
    *status = 0;
    *type = 0;
    if (connect(s, (struct sockaddr *)&to, sizeof to) != 0 || write(s, head, strlen(head)) < 0 ||
        write(s, body, strlen(body)) < 0) {
        close(s);
        return NULL;
    }
    for (ssize_t got = 1; got > 0; n += (size_t)(got > 0 ? got : 0)) {
        if (room - n < 65536)
            text = realloc(text, room = 2 * room + (1 << 17));
        got = read(s, text + n, room - n - 1);
    }
    close(s);
    text[n] = 0;
    char *at = strstr(text, "\r\n\r\n"), *kind = strstr(text, "Content-Type: ");
    if (!at || sscanf(text, "HTTP/1.1 %d", status) != 1) {
        free(text);
        return NULL;
    }
    if (kind && kind < at)
        sscanf(kind, "Content-Type: %127[^\r]", type);
    memmove(text, at + 4, strlen(at + 4) + 1);
    return text;
}

/* One answer against what the file says of this path. */
static void check(const char *method, const char *documented, const char *path, const char *body,
                  int expected)
{
    char type[128], name[32];
    int status;
    char *text = ask(method, path, body, &status, type);
    const json_t *about =
        json_object_get(json_object_get(json_object_get(document, "paths"), documented),
                        strcmp(method, "POST") == 0 ? "post" : "get");
    const json_t *responses = json_object_get(about, "responses");
    snprintf(name, sizeof name, "%d", status);
    json_t *response = json_object_get(responses, name);
    snprintf(name, sizeof name, "%dXX", status / 100);
    if (!response)
        response = json_object_get(responses, name);
    const char *kind = NULL;
    json_t *content = NULL;
    void *first = json_object_iter(json_object_get(response, "content"));
    if (first) {
        kind = json_object_iter_key(first);
        content = json_object_iter_value(first);
    }
    int fine = 1;
    if (!text || status != expected)
        fine =
            wrong("the status is %d, not %d: %.200s", status, expected, text ? text : "no answer");
    else if (!response)
        fine = wrong("the status %d is not documented", status);
    else if (!kind || strncmp(type, kind, strlen(kind)) != 0)
        fine = wrong("the type is %s, not %s", type, kind ? kind : "documented");
    const json_t *schema = json_object_get(content, "schema");
    if (fine && strcmp(kind, "application/json") == 0) {
        json_t *x = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        fine = !x        ? wrong("it is no JSON: %.100s", text)
               : !schema ? wrong("it has no schema")
                         : fits(schema, x, "answer");
        json_decref(x);
    }
    char label[400];
    snprintf(label, sizeof label, "%s %.100s %.120s -> %d", method, path, body, expected);
    ok(fine, label, "");
    free(text);
}

/* ---- metrics ---- */

static int is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_' ||
              s[i] == ':' || (i && s[i] >= '0' && s[i] <= '9')))
            return 0;
    return n > 0;
}

/* Every sample has help and type before it, once; a counter is called _total; buckets rise to +Inf
 * = _count. */
static int read_metrics(char *text)
{
    char help[128] = "", metric[128] = "", type[32] = "", seen[8192] = " ";
    double below = 0, infinite = -1;
    int n_samples = 0;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char word[128], rest[256] = "";
        if (sscanf(line, "# HELP %127s %255[^\n]", help, rest) == 2)
            continue;
        if (sscanf(line, "# TYPE %127s %31s", word, type) == 2) {
            char once[132];
            snprintf(once, sizeof once, " %s ", word);
            if (strcmp(word, help) != 0 || strstr(seen, once))
                return wrong("%s: no help before its type, or twice", word);
            strncat(seen, once + 1, sizeof seen - strlen(seen) - 1);
            if (strcmp(type, "counter") == 0 &&
                (strlen(word) < 6 || strcmp(word + strlen(word) - 6, "_total") != 0))
                return wrong("the counter %s does not end in _total", word);
            snprintf(metric, sizeof metric, "%s", word);
            below = 0;
            infinite = -1;
            continue;
        }
        size_t n = strcspn(line, "{ ");
        const char *labels = line[n] == '{' ? line + n : NULL,
                   *value = labels ? strstr(labels, "} ") : line + n;
        char *end = NULL;
        double x = value ? strtod(value + (labels ? 2 : 1), &end) : 0;
        if (!is_name(line, n) || !value || !end || *end ||
            strncmp(line, metric, strlen(metric)) != 0)
            return wrong("no sample of %s: %.200s", metric, line);
        const char *suffix = line + strlen(metric);
        size_t n_suffix = n - strlen(metric);
        if (strcmp(type, "histogram") != 0 && n_suffix != 0)
            return wrong("%.100s is not the metric that its type names", line);
        if (n_suffix == 7 && strncmp(suffix, "_bucket", 7) == 0) {
            if (!labels || strncmp(labels, "{le=\"", 5) != 0 || x < below)
                return wrong("a bucket is no bucket: %.100s", line);
            below = x;
            infinite = strstr(labels, "+Inf") ? x : infinite;
        }
        if (n_suffix == 6 && strncmp(suffix, "_count", 6) == 0 && x != infinite)
            return wrong("%s: +Inf is %g, the count %g", metric, infinite, x);
        if (strcmp(type, "counter") == 0 && x < 0)
            return wrong("a counter below 0: %.100s", line);
        n_samples++;
    }
    return n_samples > 20 ? 1 : wrong("only %d samples", n_samples);
}

int main(int argc, char **argv)
{
    static char line[1 << 20];
    char type[128], path[256];
    int status;
    if (argc != 4)
        return 2;
    port = atoi(argv[1]);
    char *text = ask("GET", "/openapi.json", "", &status, type);
    document = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    ok(document != NULL, "the OpenAPI file is JSON", "");
    free(text);
    const char *documented;
    json_t *about;
    json_object_foreach(json_object_get(document, "paths"), documented, about)
    {
        snprintf(path, sizeof path, "%s", documented);
        if (strcmp(documented, "/v1/signal/{symbol}") == 0)
            snprintf(path, sizeof path, "/v1/signal/%s", argv[2]);
        if (json_object_get(about, "get"))
            check("GET", documented, path, "", strcmp(documented, "/v1/stream") == 0 ? 426 : 200);
    }
    check("GET", "/v1/signal/{symbol}", "/v1/signal/NONE", "", 404);
    snprintf(path, sizeof path, "/v1/dashboard?symbol=%s", argv[2]);
    check("GET", "/v1/dashboard", path, "", 200);
    FILE *requests = fopen(argv[3], "r");
    while (requests && fgets(line, sizeof line, requests)) {
        char *body = strchr(line, ' ');
        line[strcspn(line, "\n")] = 0;
        if (body)
            check("POST", "/v1/predict", "/v1/predict", body + 1, atoi(line));
    }
    if (requests)
        fclose(requests);
    text = ask("GET", "/metrics", "", &status, type);
    ok(text && read_metrics(text), "the metrics are what Prometheus reads", "");
    free(text);
    json_decref(document);
    printf("1..%d\n", n_tests);
    return failed;
}

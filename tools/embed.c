/* Turns files into C arrays: embed OUTPUT NAME=FILE... writes one header with, for each file,
 * `static const unsigned char NAME[]` (a 0 byte after it) and `enum { NAME_size = ... }`. */
#include <stdio.h>
#include <string.h>

static int embed(FILE *out, const char *name, size_t name_length, const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        fprintf(stderr, "embed: cannot read %s; run ./setup deps first\n", path);
        return 1;
    }
    fprintf(out, "static const unsigned char %.*s[] = {", (int)name_length, name);
    size_t size = 0;
    for (int c; (c = fgetc(in)) != EOF; size++)
        fprintf(out, "%s%d,", size % 24 ? "" : "\n", c);
    fprintf(out, "\n0};\nenum { %.*s_size = %zu };\n", (int)name_length, name, size);
    int failed = ferror(in);
    fclose(in);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    FILE *out = fopen(argv[1], "wb");
    if (!out) {
        fprintf(stderr, "embed: cannot write %s\n", argv[1]);
        return 1;
    }
    int failed = 0;
    for (int i = 2; i < argc && !failed; i++) {
        const char *equals = strchr(argv[i], '=');
        failed = !equals || embed(out, argv[i], (size_t)(equals - argv[i]), equals + 1);
    }
    failed |= fclose(out) != 0;
    if (failed)
        remove(argv[1]);
    return failed;
}

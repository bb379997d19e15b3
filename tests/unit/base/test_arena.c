/* Arenas: alignment, zeroing, accounting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wick/arena.h"

static void test_memory_is_aligned_and_zero(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    for (size_t n = 0; n < 300000; n = n * 3 + 1) {
        char *p = wk_arena_alloc(&arena, n);
        assert_true((uintptr_t)p % 64 == 0);
        for (size_t i = 0; i < n; i++)
            assert_true(p[i] == 0);
        memset(p, 0xff, n);
    }
    assert_string_equal(wk_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    wk_arena_finish(&arena);
    wk_arena_finish(&arena);
    wk_arena_finish(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_is_aligned_and_zero)};
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}

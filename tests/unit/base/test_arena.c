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

static void test_a_large_piece_does_not_waste_the_block_before_it(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    char *first = wk_arena_alloc(&arena, 64), *large = wk_arena_alloc(&arena, 1 << 20),
         *second = wk_arena_alloc(&arena, 64);
    assert_ptr_equal(second, first + 64);
    memset(large, 1, 1 << 20);
    assert_true(second[0] == 0 && second[63] == 0);
    /* The same where there is no block yet. */
    wk_arena_finish(&arena);
    large = wk_arena_alloc(&arena, 1 << 20);
    memset(large, 1, 1 << 20);
    first = wk_arena_alloc(&arena, 64);
    assert_true(first < large || first >= large + (1 << 20));
    assert_true(first[0] == 0 && arena.used_bytes == (1 << 20) + 64);
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_aligned_and_zero),
        cmocka_unit_test(test_a_large_piece_does_not_waste_the_block_before_it)};
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}

/* Comparison of doubles that prints both values. */
#ifndef WICK_TEST_NEAR_H
#define WICK_TEST_NEAR_H

#define assert_near(value, expected, tolerance)                                                    \
    do {                                                                                           \
        double near__v = (value), near__e = (expected);                                            \
        if (!(fabs(near__v - near__e) <= (tolerance)))                                             \
            fail_msg("%s = %.17g, expected %.17g", #value, near__v, near__e);                      \
    } while (0)

#endif

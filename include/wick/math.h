/* Elementary functions whose bits do not change with the machine or the C library: only + - * / and
 * sqrt/fma underneath, built with -ffp-contract=off. Accuracy: exp, log 1 ULP; tanh, sigmoid, sin,
 * cos, pow a few ULP over the ranges wick uses. NaN in gives NaN out. */
#ifndef WICK_MATH_H
#define WICK_MATH_H

double wk_exp(double x);
double wk_expm1(double x);
double wk_log(double x); /* log(0) = -inf, log(negative) = NaN */
double wk_log1p(double x);
double wk_tanh(double x);
double wk_sigmoid(double x);
double wk_sin(double x); /* |x| <= 1e6 */
double wk_cos(double x); /* |x| <= 1e6 */
double wk_pow(double x,
              double y); /* x >= 0: exp(y log x) with y = integer powers by multiplication */

/* Standard normal distribution function and its inverse (Wichura 1988, AS 241). */
double wk_normal_cdf(double x);
double wk_normal_quantile(double p);

#endif

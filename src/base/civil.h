/* SPDX-License-Identifier: Apache-2.0 */
/* Days of the proleptic Gregorian calendar, as numbers of days since 1970-01-01. For the years 1 to 9999; other numbers
 * must be refused before. */
#ifndef CAIS_BASE_CIVIL_H
#define CAIS_BASE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define CIVIL_DAY_MIN INT64_C(-719162) /* 0001-01-01 */
#define CIVIL_DAY_MAX INT64_C(2932896) /* 9999-12-31 */
#define SECONDS_OF_DAY INT64_C(86400)

struct civil_date {
    int year;  /* 1 to 9999 */
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

static inline bool civil_is_leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* There is such a day. */
static inline bool civil_is_valid(struct civil_date d)
{
    static const signed char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (d.year < 1 || d.year > 9999 || d.month < 1 || d.month > 12 || d.day < 1)
        return false;
    return d.day <= days[d.month - 1] + (d.month == 2 && civil_is_leap_year(d.year));
}

/* Years are counted from March on, so that the leap day is the last of its year; all months but the last then have lengths
 * that a straight line describes. */
static inline int64_t civil_to_days(struct civil_date d)
{
    int64_t year = d.month > 2 ? d.year : d.year - 1;
    int month = d.month > 2 ? d.month - 3 : d.month + 9;
    return year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + d.day - 719469;
}

static inline struct civil_date civil_from_days(int64_t days)
{
    int64_t since_march_0 = days + 719468; /* since 0000-03-01 */
    int64_t era = since_march_0 / 146097, day = since_march_0 % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int of_year = (int)(day - (365 * year + year / 4 - year / 100));
    int month = (5 * of_year + 2) / 153;
    struct civil_date d = { .day = of_year - (153 * month + 2) / 5 + 1, .month = month < 10 ? month + 3 : month - 9 };
    d.year = (int)(era * 400 + year) + (d.month <= 2);
    return d;
}

/* The quotient of `a` by `b`, which is positive, rounded down. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

#endif

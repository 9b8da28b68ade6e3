/* SPDX-License-Identifier: Apache-2.0 */
/* cais-clocked: the program with a clock that tests set. CAIS_TEST_CLOCK_FILE names a file that holds the milliseconds
 * to add to the system's time, or =MILLISECONDS for a clock that stands still at that time. The file is read each time
 * the program asks for the time, so a test moves the clock by renaming a new file over it. Without a file the clock shows
 * the system's time. Time-outs follow the real monotonic clock. */
#include "base/clock.h"
#include "base/random.h"
#include "cli/commands.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t read_clock_file(struct clock *clock)
{
    (void)clock;
    int64_t real = clock_now_ms(clock_system());
    const char *path = getenv("CAIS_TEST_CLOCK_FILE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return real;
    char text[64] = "";
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return real;
    return text[0] == '=' ? strtoll(text + 1, NULL, 10) : real + strtoll(text, NULL, 10);
}

static int64_t real_monotonic_ms(struct clock *clock)
{
    (void)clock;
    return clock_monotonic_ms(clock_system());
}

int main(int argc, char **argv)
{
    struct clock clock = { read_clock_file, real_monotonic_ms };
    return cais_main(argc, argv, &clock, random_system());
}

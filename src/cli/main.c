/* SPDX-License-Identifier: Apache-2.0 */
/* The program, with the real clock and real chance. */
#include "base/clock.h"
#include "base/random.h"
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return cais_main(argc, argv, clock_system(), random_system());
}

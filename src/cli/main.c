/* SPDX-License-Identifier: Apache-2.0 */
/* The program, with the system's clock and random source. */
#include "base/clock.h"
#include "base/random.h"
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return cais_main(argc, argv, clock_system(), random_system());
}

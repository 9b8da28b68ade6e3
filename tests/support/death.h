/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of asserts: code that must end its process. */
#ifndef CAIS_TESTS_DEATH_H
#define CAIS_TESTS_DEATH_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Does fn(arg) end its process with abort? It runs in a child process, without its messages and without a core file. */
static inline bool aborts(void (*fn)(void *), void *arg)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL); /* cmocka may have set its own handler */
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nowhere, STDERR_FILENO);
        fn(arg);
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif

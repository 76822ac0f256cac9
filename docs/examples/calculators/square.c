#include <stdio.h>

int main(void)
{
    long task;

    while (scanf("%ld", &task) == 1) {
        printf("%ld\n\n", task * task); /* result and end-of-task marker */
        fflush(stdout);
    }
    return 0;
}

#!/usr/bin/env python3
import sys

for line in sys.stdin:
    task = int(line)
    print(task * task)
    print(flush=True)  # end-of-task marker

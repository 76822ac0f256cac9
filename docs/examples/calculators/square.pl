#!/usr/bin/perl
use strict;
use warnings;

$| = 1;    # flush after each print

while (my $task = <STDIN>) {
    chomp $task;
    print $task * $task, "\n\n";    # result and end-of-task marker
}

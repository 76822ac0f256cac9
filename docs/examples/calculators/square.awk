#!/usr/bin/gawk -f
{
    print $0 * $0
    print ""  # end-of-task marker
    fflush()
}

"""How fast ``paexec-trio`` is, beside the C program and others: ``python -m tests.benchmarks -h``.

``sections`` and its neighbours say what is measured, ``comparison`` how the programs take turns,
``running`` how one run is made, and ``checks`` whether its results are complete. ``report`` and
``plot`` make the documentation's page. The tests here hold what can be counted exactly, and show
that incomplete results are noticed.
"""

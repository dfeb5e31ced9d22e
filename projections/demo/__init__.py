"""The demo: a crew of agents examines the Python distributions that are installed here.

- distributions, record, analysis, files: what is on the disk
- risk, script, policy: what follows from it; pure
- agents/: who does what, an agent a file
- case, package, standing: what the log says; desk, turn: how an agent speaks to it
- run, crew, projector: who runs where
- findings, sight, report, cli: what came of it
"""

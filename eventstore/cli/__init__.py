"""The command line: `eventstore NOUN VERB`."""

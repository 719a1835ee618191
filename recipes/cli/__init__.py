"""The command line: options, printing, exit codes. No other room prints."""

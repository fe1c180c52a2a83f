"""BullMQ's protocol as pure values: keys, scripts, arguments, replies. No socket, no clock, no thread."""

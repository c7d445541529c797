"""Starting, watching and stopping the services of one machine."""

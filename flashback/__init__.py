"""What every service and every client shares."""

"""What operators measure: one table of metrics, fed from the kernel's views and the facts it reports."""

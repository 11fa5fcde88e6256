"""Speed beside other libraries, and what a start costs."""

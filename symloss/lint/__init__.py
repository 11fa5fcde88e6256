"""What is wrong with a hand-written objective: its gradient and Hessian beside the derived ones.

The mistakes are a table (`hypotheses`): each row is something that can be done to the derived derivatives, or to what
they are derived at.  The row, or the two rows, after which they equal what the objective returns is the mistake.
"""

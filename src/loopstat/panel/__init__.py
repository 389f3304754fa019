"""What was observed: panels, states, counted moves, pools, and the models that make them."""

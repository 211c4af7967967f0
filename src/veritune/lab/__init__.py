"""The reward lab: what is done to rewards beside scoring with them."""

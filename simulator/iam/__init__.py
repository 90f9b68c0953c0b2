"""The vocabulary of AWS authorization: ARNs, patterns, condition keys, the action catalog."""

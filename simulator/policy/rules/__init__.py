"""The validator's rules, one module per concept.

A module lists its checks in `CHECKS` (rule id to function); `simulator.policy.validator` finds the modules by itself.
What a rule is called, how grave it is and whom it concerns stands in rules.toml beside this file.
"""

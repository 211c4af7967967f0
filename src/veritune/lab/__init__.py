"""The reward lab: rewards are searched for what they pay wrongly, replayed and compared; data is audited."""

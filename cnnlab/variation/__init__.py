"""Two experiments, compared at several values of a setting: who leads where, and does the lead change?"""

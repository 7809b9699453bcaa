"""fieldtool"""

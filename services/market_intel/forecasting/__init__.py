"""Forecasts of many series at once.

periods.py    days, weeks and months as numbers
panel.py      the series: gaps filled, laid end to end
regressors.py what is known beside them, also ahead: prices, promotions
holidays.py   public holidays as regressors
registry.py   every model: one line each
scores.py     how good a forecast was
model.py      what a model is and what it answers
hierarchy.py  forecasts that add up
explain.py    what a forecast is made up of
models/       one file a model
"""

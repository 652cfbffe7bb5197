"""Satisfaction (好差评): residents rate what they finished, and the city answers who was not satisfied.

A rating is written by its resident alone: one press, once, then words once. The desk writes answers,
which are rows of their own, so nobody on the staff can change or delete a rating.

That there are five levels, from 非常满意 to 非常不满意, that each act is rated once (一事一评), of free
will, and that whoever rates badly is answered follows descriptions of the national system: a city's
published rules of 好差评, and summaries in the press of 国办发〔2019〕51号. The texts of 国办发〔2019〕51号
itself, of GB/T 39735-2020 and of GB/T 39734-2020 could not be read; of the latter two only the
tables of contents and the scope. How many days there are to rate and to answer in is the city's own.
"""

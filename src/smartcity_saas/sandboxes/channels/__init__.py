"""A stand-in for the apps at which residents sign in, each in its own dialect: Alipay, WeChat,
Weibo, Taobao, Baidu. It is for the demo and the tests: nobody in it is a person, no key of it is secret.
"""

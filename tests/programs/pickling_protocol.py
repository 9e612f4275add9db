# How instances describe themselves to pickle and copy.
class A: pass
print(A().__getstate__())
a=A(); a.x=1
print(a.__getstate__(), a.__reduce_ex__(4)[1:])
class S: __slots__=('a','__weakref__')
s=S(); print(s.__getstate__()); s.a=1; print(s.__getstate__()); print(s.__reduce_ex__(2)[1:])
class T(tuple): pass
print(T().__getstate__(), T((1,)).__reduce_ex__(2)[1:])
b=A(); b.x=1; del b.x; print(b.__getstate__()); b.__dict__; print(b.__getstate__())
print((1).__getstate__(), [].__getstate__())
try: [].__reduce_ex__(1)
except Exception as e: print(e)
print([].__reduce_ex__(2)[1:3])

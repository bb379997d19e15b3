"""Golden values of tests/unit/eval, printed for the C files. needs: pip install numpy scipy scikit-learn"""
import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.linear_model import LogisticRegression, Ridge
a=np.array([.1,.4,.35,.8,.35,.9,.2,.6],float); y=np.array([0,0,1,1,0,1,0,1])
print('auc',repr(roc_auc_score(y,a)))
b=np.array([3,1,4,1,5,9,2,6],float)
print('rho',repr(stats.spearmanr(a,b).statistic))
f=np.array([.01,.02,.015]);r=np.array([.012,.015,.03])
v=(r/f)**2
print('qlike',repr(np.mean(v-np.log(v)-1)))
print('ks',stats.ks_2samp([1,2,3,4,5],[3,4,5,6,7,8]).statistic, stats.ks_2samp([.3,.1,.9,.5],[.2,.1,.5,.5,.7]).statistic)
print('cp', stats.beta.ppf(.05,57,44), stats.beta.ppf(.05,1100,901), stats.beta.ppf(.025,1,10))
# LCG data for linear
def lcg(n,seed=12345):
    x=seed;o=[]
    for _ in range(n):
        x=(1664525*x+1013904223)%2**32;o.append((x+.5)/2**32-.5)
    return np.array(o)
n=200
u=lcg(n*4).reshape(n,4).astype(np.float32)
X=u[:,:3].astype(float); yy=(X[:,0]*2-X[:,1]+u[:,3]).astype(np.float32).astype(float)
Z=(X-X.mean(0))/X.std(0)
l2=5.0
m=Ridge(alpha=l2).fit(Z,yy); print('ridge',[repr(float(c)) for c in m.coef_],repr(float(m.intercept_)))
t=(yy>0).astype(int)
lr=LogisticRegression(C=1/l2,tol=1e-14,solver='newton-cholesky',max_iter=1000).fit(Z,t); print('logit',[repr(float(c)) for c in lr.coef_[0]],repr(float(lr.intercept_[0])))
# temperature
K=3
z=(lcg(300*3,7).reshape(300,3)*8).astype(np.float32).astype(float)
# labels drawn from softmax(z/2)
pp=np.exp(z/2);pp/=pp.sum(1,keepdims=True)
uu=lcg(300,99)+.5
lab=(uu[:,None]>np.cumsum(pp,1)).sum(1).clip(0,2)
from scipy.optimize import minimize_scalar
def loss(T):
    q=z/T; q=q-q.max(1,keepdims=True)
    return -(q[np.arange(300),lab]-np.log(np.exp(q).sum(1))).mean()
res=minimize_scalar(loss,bounds=(.2,10),method='bounded',options=dict(xatol=1e-12)); print('T',repr(res.x),repr(res.fun))
from sklearn.isotonic import IsotonicRegression
s=np.array([.1,.2,.2,.3,.5,.6,.8,.9]);h=np.array([0,1,0,0,1,0,1,1])
print('iso',IsotonicRegression().fit_transform(s,h))
p=np.array([[.7,.2,.1],[.1,.5,.4],[.3,.3,.4]]);c=[0,1,0]
print('ll',-np.mean(np.log(p[np.arange(3),c])),'brier',np.mean(((p-np.eye(3)[c])**2).sum(1)))

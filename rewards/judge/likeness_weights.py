"""The weights of judge/likeness.py: a logistic regression on labelled texts (benchmarks/injection_weights.py).

Entries are separated by ``/``: a trait (two parts that meet are joined by ``&``), and what it adds.
"""

from __future__ import annotations

CONSTANT = -2.71
_TEXT = """
accept 1.62 / accept&authority 0.31 / accept&done -0.7 / accept&earlier -0.1 / accept&evaluator 0.05
/ accept&high 0.88 / accept&ignore 0.05 / accept&instructions 0.17 / accept&meta 0.59 / accept&modal 0.07
/ accept&output -0.29 / accept&person 0.2 / accept&please 0.24 / accept&process 0.28 / accept&regardless 0.36
/ accept&threat 0.29 / accept&verdict 0.15 / accept&weak -0.94 / accept&x_aside 0.54 / accept&x_assess -1.39
/ accept&x_beg 0.31 / accept&x_best -0.8 / accept&x_enough 0.35 / accept&x_gift 0.62 / accept&x_guess 0.11
/ accept&x_judges 0.63 / accept&x_key 1.28 / accept&x_made 0.97 / accept&x_right -0.3 / accept&x_sure -0.47
/ accept&x_worth -0.3 / accept&x_write -0.08 / accept&zero 0.42 / authority -0.08 / authority&evaluator -0.19
/ authority&high -0.18 / authority&meta 0.1 / authority&modal 0.05 / authority&person 0.05
/ authority&process 0.07 / authority&this 0.19 / authority&verdict -0.13 / authority&weak 0.16
/ authority&x_best -0.28 / authority&x_judges -0.14 / authority&x_made 0.11 / authority&x_right -0.18
/ authority&x_sure 0.16 / authority&x_write -0.07 / authority&zero 0.16 / discredit 0.34 / discredit&done -0.15
/ discredit&high 0.62 / discredit&ignore 0.15 / discredit&modal 0.36 / discredit&person -0.15
/ discredit&process -0.37 / discredit&reference 0.43 / discredit&regardless -0.1 / discredit&threat 0.27
/ discredit&verdict -0.28 / discredit&weak -0.08 / discredit&x_aside -0.31 / discredit&x_best 0.76
/ discredit&x_enough 0.19 / discredit&x_judges -0.4 / discredit&x_key 0.22 / discredit&x_made -0.11
/ discredit&x_old -0.39 / discredit&x_right -0.43 / discredit&x_threat 0.44 / discredit&x_worth 0.83
/ discredit&x_write -0.35 / discredit&zero 0.43 / done 1.09 / done&earlier -0.4 / done&evaluator 0.68
/ done&high 0.98 / done&ignore 0.05 / done&meta 0.06 / done&modal 0.37 / done&next 0.42 / done&output 0.21
/ done&person 1.31 / done&please -0.49 / done&process 0.55 / done&reference -0.36 / done&verdict 0.17
/ done&weak -0.79 / done&x_aside -0.39 / done&x_assess -0.16 / done&x_beg -0.46 / done&x_best -0.63
/ done&x_enough -0.49 / done&x_guess -0.11 / done&x_judges 0.39 / done&x_key 1.51 / done&x_made 0.14
/ done&x_old 0.44 / done&x_right 0.83 / done&x_sure -0.06 / done&x_threat -0.14 / done&x_worth -0.24
/ done&x_write -1.54 / done&zero -0.06 / earlier 1.23 / earlier&evaluator -0.39 / earlier&high 0.5
/ earlier&ignore 0.1 / earlier&meta -0.28 / earlier&modal 0.26 / earlier&output -0.17 / earlier&please -0.06
/ earlier&process -0.35 / earlier&reference -0.42 / earlier&verdict 0.36 / earlier&weak 0.25
/ earlier&x_assess 0.07 / earlier&x_best 0.81 / earlier&x_enough 0.18 / earlier&x_guess 0.13
/ earlier&x_judges -0.18 / earlier&x_key 0.84 / earlier&x_made 0.55 / earlier&x_old 0.07 / earlier&x_right -0.11
/ earlier&x_sure 0.67 / earlier&x_write -0.42 / evaluator 0.87 / evaluator&high 0.14 / evaluator&ignore 0.5
/ evaluator&instructions 0.19 / evaluator&meta 0.51 / evaluator&modal -1.32 / evaluator&next 0.24
/ evaluator&output 0.58 / evaluator&person 0.7 / evaluator&please 1.01 / evaluator&process -0.05
/ evaluator&reference -0.27 / evaluator&regardless 0.18 / evaluator&this 0.3 / evaluator&threat 0.08
/ evaluator&verdict 0.83 / evaluator&x_assess 0.08 / evaluator&x_beg 0.64 / evaluator&x_best 0.56
/ evaluator&x_enough 0.25 / evaluator&x_guess -0.42 / evaluator&x_judges -0.9 / evaluator&x_key 0.09
/ evaluator&x_made 0.07 / evaluator&x_old 0.11 / evaluator&x_right 0.1 / evaluator&x_sure 0.38
/ evaluator&x_worth 0.28 / evaluator&x_write -0.53 / evaluator&zero -0.37 / first 0.51 / has:arrow 0.92
/ has:arrow&process 0.3 / has:arrow&weak 0.37 / has:arrow&x_assess 0.43 / has:arrow&x_best 0.09
/ has:arrow&x_judges 0.43 / has:arrow&x_key 0.21 / has:arrow&x_right 1.07 / has:asks -0.53 / has:asks&weak -0.43
/ has:asks&x_assess 0.29 / has:asks&x_best -0.08 / has:asks&x_judges -0.44 / has:asks&x_key 1.4
/ has:asks&x_right -0.3 / has:bracket 1.02 / has:bracket&high 0.85 / has:bracket&process -0.08
/ has:bracket&weak 1.13 / has:bracket&x_assess 0.49 / has:bracket&x_best 0.96 / has:bracket&x_judges -0.25
/ has:bracket&x_key 0.4 / has:bracket&x_right 0.41 / has:comment 0.44 / has:comment&evaluator 0.34
/ has:comment&high 0.12 / has:comment&process 0.4 / has:comment&weak 0.13 / has:comment&x_assess 0.1
/ has:comment&x_best 0.08 / has:comment&x_judges 0.43 / has:comment&x_key 0.16 / has:comment&x_right 0.99
/ has:full 2.15 / has:full&evaluator -1.85 / has:full&high -0.53 / has:full&weak 0.16 / has:full&x_assess 0.19
/ has:full&x_best 0.35 / has:full&x_judges -1.15 / has:full&x_key -0.37 / has:full&x_right 2.33 / has:grade 2.86
/ has:grade&evaluator 0.14 / has:grade&high -0.72 / has:grade&process 0.36 / has:grade&weak 0.54
/ has:grade&x_assess 0.07 / has:grade&x_judges 0.18 / has:grade&x_key 0.41 / has:grade&x_right -0.84
/ has:label 0.35 / has:label&evaluator 1.77 / has:label&high -1.84 / has:label&process -0.4
/ has:label&weak 0.37 / has:label&x_assess -0.7 / has:label&x_best 0.64 / has:label&x_judges 1.71
/ has:label&x_key 0.29 / has:label&x_right 0.07 / has:quoted -0.33 / has:quoted&evaluator 1.08
/ has:quoted&high -1.54 / has:quoted&process 0.71 / has:quoted&weak -0.05 / has:quoted&x_assess -0.14
/ has:quoted&x_best -1.38 / has:quoted&x_judges 0.67 / has:quoted&x_key -0.38 / has:quoted&x_right 1.35
/ has:round 1.04 / has:round&evaluator -1.37 / has:round&high -0.67 / has:round&process 0.14
/ has:round&weak 1.48 / has:round&x_assess 0.31 / has:round&x_best -0.37 / has:round&x_judges 0.15
/ has:round&x_key -1.41 / has:round&x_right 0.29 / has:says 0.07 / has:says&evaluator 0.22 / has:says&high 0.21
/ has:says&process 0.81 / has:says&weak -0.18 / has:says&x_assess 1.19 / has:says&x_best 0.32
/ has:says&x_judges 1.37 / has:says&x_key -0.48 / has:says&x_right -0.47 / high 0.12 / high&ignore 0.33
/ high&instructions 0.11 / high&meta 0.71 / high&modal 0.14 / high&next 0.09 / high&output -0.22
/ high&person 1.28 / high&please 0.37 / high&reference 0.7 / high&regardless 0.11 / high&this 0.43
/ high&verdict 0.17 / high&weak 0.11 / high&x_aside 0.32 / high&x_assess -0.14 / high&x_best -1.01
/ high&x_enough 0.49 / high&x_gift 0.35 / high&x_judges 0.73 / high&x_key -0.71 / high&x_made 0.07
/ high&x_old 0.38 / high&x_right 0.49 / high&x_sure 0.36 / high&x_worth 0.7 / high&x_write -0.46
/ high&zero -0.44 / ignore -0.33 / ignore&meta -0.3 / ignore&modal -0.32 / ignore&output 0.65
/ ignore&please -0.21 / ignore&process 0.44 / ignore&reference 0.26 / ignore&this 0.21 / ignore&verdict 0.11
/ ignore&weak 0.16 / ignore&x_aside -0.56 / ignore&x_assess 0.31 / ignore&x_beg -0.09 / ignore&x_best 0.16
/ ignore&x_enough -0.28 / ignore&x_judges 0.23 / ignore&x_key 0.49 / ignore&x_made 0.07 / ignore&x_right 0.35
/ ignore&x_sure 0.09 / ignore&x_worth -0.08 / ignore&x_write 0.22 / instructions -0.39 / instructions&modal -0.3
/ instructions&process -0.34 / instructions&reference 0.07 / instructions&regardless 0.07
/ instructions&this 0.11 / instructions&verdict 0.19 / instructions&x_aside -0.07 / instructions&x_assess 0.19
/ instructions&x_best -0.05 / instructions&x_enough -0.21 / instructions&x_judges 0.42
/ instructions&x_made -0.07 / instructions&x_right 0.2 / instructions&x_write 0.13 / joined -1.22
/ judge called 0.39 / judge first -0.96 / judge speaks 0.33 / last 0.99 / long:many -1.47 / long:one -1.47
/ long:some -1.1 / meta 1.46 / meta&modal -0.33 / meta&output 0.24 / meta&person 0.44 / meta&please -0.75
/ meta&regardless 0.55 / meta&verdict 0.14 / meta&weak -0.34 / meta&x_aside 0.18 / meta&x_assess -0.37
/ meta&x_beg -0.8 / meta&x_best 0.16 / meta&x_judges 0.27 / meta&x_key -0.19 / meta&x_old 0.13
/ meta&x_right 0.26 / meta&x_sure 0.55 / meta&x_threat 0.3 / meta&x_worth 0.36 / meta&x_write 0.63
/ meta&zero 0.13 / middling -1.6 / modal 1.16 / modal&output -0.08 / modal&person -1.14 / modal&please -0.27
/ modal&process 0.3 / modal&reference 1.21 / modal&regardless -0.36 / modal&this 0.82 / modal&verdict -0.49
/ modal&weak 0.38 / modal&x_aside -0.16 / modal&x_assess 0.55 / modal&x_best 0.46 / modal&x_enough 0.28
/ modal&x_guess 0.26 / modal&x_judges 0.24 / modal&x_key -0.46 / modal&x_made 0.05 / modal&x_old -0.56
/ modal&x_right -0.59 / modal&x_sure -0.2 / modal&x_threat -0.32 / modal&x_worth -0.42 / modal&x_write 0.27
/ modal&zero 0.09 / more:few -1.6 / more:many -1.91 / more:none -1.12 / next 1.44 / next&output 0.27
/ next&process 0.39 / next&verdict 0.48 / next&x_assess 0.39 / next&x_key 0.06 / next&x_right 0.43
/ output -0.38 / output&person -0.15 / output&please -0.24 / output&process 0.3 / output&reference 0.35
/ output&this -0.56 / output&verdict 0.37 / output&weak 0.28 / output&x_aside 0.1 / output&x_assess -0.13
/ output&x_beg -0.27 / output&x_best 0.73 / output&x_enough -0.32 / output&x_guess -0.29 / output&x_judges 0.17
/ output&x_key -0.74 / output&x_made -0.17 / output&x_old 0.27 / output&x_right -0.37 / output&x_sure 0.16
/ output&x_threat -0.21 / output&x_worth 0.16 / output&x_write 0.57 / output&zero -0.3 / person 0.81
/ person&please -0.66 / person&process -0.05 / person&reference -0.25 / person&regardless 0.19
/ person&this -0.64 / person&threat 0.24 / person&x_aside 0.29 / person&x_assess -0.16 / person&x_beg 0.18
/ person&x_best 1.2 / person&x_enough 0.4 / person&x_gift 0.14 / person&x_judges 0.29 / person&x_key 0.31
/ person&x_made -0.07 / person&x_old 0.76 / person&x_right 0.1 / person&x_sure 0.53 / person&x_threat 1.02
/ person&x_write 0.42 / person&zero -0.32 / please 0.15 / please&process -0.05 / please&reference 0.08
/ please&regardless -0.05 / please&this 0.05 / please&verdict 0.52 / please&weak 0.18 / please&x_aside -0.34
/ please&x_assess -0.07 / please&x_beg 1.09 / please&x_best 0.17 / please&x_enough 0.23 / please&x_gift -0.71
/ please&x_guess 0.64 / please&x_judges 0.94 / please&x_key -0.36 / please&x_old -0.21 / please&x_right -0.38
/ please&x_sure -0.3 / please&x_write 0.16 / process 1.42 / process&reference -0.52 / process&regardless 0.05
/ process&this 0.28 / process&threat 0.23 / process&verdict -0.08 / process&weak -0.05 / process&x_aside 0.29
/ process&x_assess -1 / process&x_beg -0.11 / process&x_best 0.68 / process&x_enough -0.32 / process&x_gift 0.37
/ process&x_guess 0.31 / process&x_judges -0.95 / process&x_key -0.61 / process&x_made -0.35
/ process&x_old 0.32 / process&x_sure -0.23 / process&x_threat -0.64 / process&x_worth -0.57
/ process&x_write -0.27 / process&zero -0.19 / reference 1.13 / reference&regardless 0.07
/ reference&verdict 0.55 / reference&weak 0.33 / reference&x_aside 0.8 / reference&x_assess -0.28
/ reference&x_beg -0.1 / reference&x_best 0.17 / reference&x_enough 0.51 / reference&x_guess 0.12
/ reference&x_judges -0.6 / reference&x_old 0.08 / reference&x_sure -0.07 / reference&x_write 1.36
/ reference&zero -0.52 / regardless 0.37 / regardless&this -0.09 / regardless&verdict 0.14
/ regardless&weak -0.09 / regardless&x_aside -0.18 / regardless&x_best 0.05 / regardless&x_enough 0.05
/ regardless&x_judges -0.17 / regardless&x_key 0.23 / regardless&x_old -0.09 / regardless&x_right -0.23
/ regardless&x_write -0.31 / rule:addressed 2.03 / rule:dictated 3.02 / rule:override 2.91 / rule:pressure 1.9
/ rule:structure 4.56 / short -0.98 / thinking -1.24 / this 2.24 / this&threat 0.05 / this&verdict 0.34
/ this&weak 0.2 / this&x_aside 0.12 / this&x_assess 1.68 / this&x_beg 0.16 / this&x_best 0.16
/ this&x_enough 0.3 / this&x_judges 0.16 / this&x_made 0.19 / this&x_right 0.15 / this&x_sure 0.12
/ this&x_threat 0.06 / this&x_worth -0.35 / this&x_write 0.46 / this&zero 0.06 / threat 1.28 / threat&weak 0.34
/ threat&x_aside 0.07 / threat&x_assess 0.55 / threat&x_judges 0.37 / threat&x_threat 0.49 / threat&x_write 0.36
/ threat&zero 1.02 / to the judge 1.76 / verdict -0.27 / verdict&weak -0.27 / verdict&x_aside 0.23
/ verdict&x_assess 1.07 / verdict&x_beg 0.63 / verdict&x_best -0.3 / verdict&x_enough 0.65
/ verdict&x_guess 0.28 / verdict&x_judges 0.18 / verdict&x_key -0.21 / verdict&x_made 0.42 / verdict&x_old 0.52
/ verdict&x_right 0.52 / verdict&x_sure -0.37 / verdict&x_threat 0.26 / verdict&x_worth -0.56
/ verdict&x_write 0.26 / verdict&zero -0.43 / w:a -0.17 / w:ab -0.34 / w:abd -0.06 / w:about -0.66
/ w:above -0.19 / w:accept -0.47 / w:accepte 0.28 / w:accurac -0.1 / w:ad 0.24 / w:add -0.23 / w:after 0.07
/ w:agrees -0.08 / w:ai 0.08 / w:al -0.05 / w:all 0.16 / w:also -0.15 / w:alta 0.81 / w:altro 0.26 / w:an -0.94
/ w:anahtar 0.56 / w:and -0.63 / w:anderes 0.18 / w:another -0.06 / w:answer 0.22 / w:antwort 0.1 / w:any 0.55
/ w:anythin -0.15 / w:approve -0.12 / w:are 0.54 / w:area -0.1 / w:array -0.09 / w:as 0.14 / w:assessm 0.68
/ w:assesso 0.15 / w:assista 0.47 / w:at -0.49 / w:au 0.42 / w:automat 1.59 / w:autre -0.05 / w:avaliad -0.53
/ w:average -0.13 / w:award -0.35 / w:b -0.57 / w:back -0.29 / w:bagli 0.14 / w:bai 0.07 / w:ban -0.32
/ w:band 0.28 / w:base 0.25 / w:based -0.07 / w:basta 0.07 / w:be 0.23 / w:because -0.46 / w:been 0.06
/ w:begin -0.05 / w:being -0.05 / w:below 0.31 / w:benar -0.44 / w:beri 0.28 / w:best -0.14 / w:better -0.41
/ w:between -0.13 / w:bewertu -0.22 / w:bi 0.28 / w:bitte -0.6 / w:bo -0.18 / w:both -0.26 / w:boxed 0.33
/ w:bu 1.32 / w:buna 0.14 / w:bursum 0.14 / w:but -0.88 / w:by -0.86 / w:c -0.89 / w:calcula -0.13 / w:can -0.95
/ w:candida 1.75 / w:caro 0.07 / w:case -0.78 / w:cases 0.38 / w:cau 0.15 / w:ce -0.15 / w:cham -0.59
/ w:change -0.19 / w:charact -0.08 / w:charge 0.26 / w:che 0.36 / w:check 1.5 / w:checker 0.82 / w:chiave 0.09
/ w:chinh 0.26 / w:cho -0.3 / w:chon 0.07 / w:choose -0.2 / w:cm 0.15 / w:co -0.15 / w:code 1.05 / w:com 0.15
/ w:combina 0.11 / w:come 0.38 / w:commas -0.05 / w:como 0.11 / w:compara -0.36 / w:compare 0.23
/ w:compari 0.79 / w:complet -0.26 / w:con -0.19 / w:concept 0.1 / w:confirm -0.4 / w:conform 0.05
/ w:confron 0.16 / w:contain 0.18 / w:correct -0.1 / w:corresp 0.2 / w:correto 0.09 / w:corrett 0.18
/ w:corrige 0.59 / w:cos -0.18 / w:cost -0.12 / w:could -0.15 / w:count -0.12 / w:credit 0.29 / w:criteri -0.24
/ w:d -0.74 / w:da 0.56 / w:dang 0.06 / w:dap 0.58 / w:das -0.27 / w:dass -0.06 / w:dat -0.19 / w:day -0.09
/ w:days -0.47 / w:de 0.05 / w:dear -0.16 / w:debe -0.05 / w:def -0.24 / w:degerle -0.21 / w:del 0.05
/ w:den -0.4 / w:der -0.16 / w:des 0.43 / w:determi -0.23 / w:deve 0.19 / w:di 0.59 / w:dia 0.32 / w:die -0.07
/ w:diem -0.16 / w:dieser 0.09 / w:diez 0.22 / w:differe 0.4 / w:disrega 0.1 / w:div -0.14 / w:divide -0.09
/ w:divisor -0.12 / w:does -0.15 / w:dogru 0.44 / w:doit 0.08 / w:don 1.11 / w:done 0.77 / w:double -0.22
/ w:doubt 0.26 / w:down 0.51 / w:duoc -0.24 / w:e 0.2 / w:each -0.94 / w:ein -0.06 / w:el -0.45 / w:else 0.4
/ w:emit 0.2 / w:en 0.29 / w:end -0.2 / w:english 0.29 / w:entire -0.33 / w:eoa -0.77 / w:eoe -0.15
/ w:equal 0.06 / w:equals 0.05 / w:equatio 0.37 / w:ergebni 0.1 / w:erkennt 0.09 / w:error 0.07 / w:es 0.14
/ w:esta -0.14 / w:este -0.07 / w:et -0.37 / w:etwas 0.18 / w:evaluad 0.12 / w:evaluat 0.13 / w:even 0.11
/ w:every 0.74 / w:exact -0.92 / w:exactly -0.15 / w:example -0.13 / w:excelle 0.64 / w:explain 0.91
/ w:express 0.12 / w:f -0.45 / w:fails 0.12 / w:field 0.36 / w:final 0.64 / w:finale 1.11 / w:finally -0.12
/ w:find 0.08 / w:first 0.29 / w:five -0.16 / w:flour 0.06 / w:follow 0.05 / w:followi 0.2 / w:follows 0.18
/ w:for -0.78 / w:form -0.05 / w:four -0.19 / w:frac -0.49 / w:from -0.28 / w:full -0.32 / w:functio -0.33
/ w:fur -0.36 / w:further 0.1 / w:g -0.39 / w:gabarit 0.06 / w:gave -0.06 / w:get 0.95 / w:gets -0.23
/ w:ghi 0.23 / w:gia 0.14 / w:giam -0.38 / w:given -0.19 / w:gives -0.41 / w:go 0.07 / w:grade -0.89
/ w:grader 0.81 / w:graders 0.43 / w:grades 0.2 / w:grading 0.74 / w:h -0.05 / w:ha -0.1 / w:hakem 0.15
/ w:has 0.09 / w:hasil 0.54 / w:have -0.25 / w:having -0.09 / w:hay -0.28 / w:he -0.6 / w:help -0.19
/ w:her 0.28 / w:here 0.49 / w:highest -0.64 / w:his -0.42 / w:hochstn 0.15 / w:hours -0.08 / w:how -0.34
/ w:however -0.3 / w:hypoten -0.1 / w:i -0.17 / w:identif -0.07 / w:if -0.91 / w:ignore 0.05 / w:ii -0.06
/ w:il 0.19 / w:im 0.14 / w:in -0.58 / w:include -0.19 / w:informa -0.1 / w:ini 0.58 / w:inside -0.06
/ w:instruc 0.11 / w:integer -0.18 / w:integra 0.31 / w:into 0.31 / w:io -0.18 / w:is 0.31 / w:ist -0.22
/ w:it 0.57 / w:items 0.29 / w:its -0.31 / w:jawaban -0.85 / w:je 0.21 / w:jest -0.14 / w:judge 0.33
/ w:judges -0.11 / w:juez 0.32 / w:juge -0.14 / w:jury 0.07 / w:just -0.31 / w:juste 0.14 / w:k -0.11
/ w:kabul 0.1 / w:keine 0.11 / w:ket 0.49 / w:key -0.29 / w:khao -0.46 / w:kind -0.09 / w:know -0.57
/ w:korrekt -0.09 / w:kunci 0.13 / w:l 0.89 / w:la 0.56 / w:label -0.17 / w:lado 0.15 / w:lassen 0.29
/ w:last 0.06 / w:le -0.1 / w:least -0.11 / w:leave 0.18 / w:left -0.74 / w:length -0.07 / w:les -0.3
/ w:less -0.08 / w:let -0.55 / w:letter -0.55 / w:letters 0.51 / w:like 0.38 / w:list 0.16 / w:lists -0.18
/ w:ll 0.59 / w:ln -0.24 / w:lo 0.42 / w:log 0.88 / w:loi 0.05 / w:look 0.16 / w:los -0.43 / w:lose 0.91
/ w:ls -0.08 / w:m -0.73 / w:made 0.91 / w:mais 0.28 / w:make -0.12 / w:mark -0.52 / w:marking 0.14
/ w:marks -0.78 / w:mas -0.18 / w:matches 0.19 / w:mathrm -0.28 / w:matter 0.09 / w:max 0.31 / w:maxima 0.07
/ w:maximal -0.13 / w:maximum -0.41 / w:may -0.21 / w:me -0.57 / w:mean -0.09 / w:means -0.71 / w:mention 0.28
/ w:met 0.28 / w:meters -0.32 / w:mi 0.58 / w:minute 0.23 / w:minutes -0.12 / w:missing 0.42 / w:mit 0.68
/ w:model 0.07 / w:modelo 0.12 / w:moi 0.29 / w:more -0.24 / w:most -0.07 / w:mot 0.19 / w:multipl -0.25
/ w:must -0.3 / w:musterl 0.34 / w:my -0.28 / w:n -0.64 / w:nam -0.44 / w:name -0.13 / w:nay 0.15 / w:ne 0.18
/ w:need -0.61 / w:needed 0.27 / w:negativ -0.21 / w:new 0.81 / w:next 0.17 / w:nguoi 0.17 / w:nhan 0.38
/ w:nicht 0.21 / w:nie 0.1 / w:nilai 0.34 / w:no 0.18 / w:not -0.19 / w:nota 0.77 / w:notatio -0.13
/ w:note -0.34 / w:nothing 0.93 / w:now 0.36 / w:numbers -0.08 / w:o -0.19 / w:ocena 0.74 / w:of -0.29
/ w:off 0.31 / w:oficial 0.27 / w:olur 0.14 / w:on -0.99 / w:once 0.65 / w:one -0.1 / w:only 1.03 / w:or -1.17
/ w:other -0.13 / w:otro 0.14 / w:ought 0.54 / w:out -0.36 / w:outcome 0.66 / w:output -0.28 / w:outra 0.07
/ w:over 0.25 / w:overrid -0.09 / w:p -0.56 / w:pairs -0.45 / w:part -0.17 / w:pas -0.07 / w:pass -0.55
/ w:penilai -0.74 / w:people 0.59 / w:per 0.22 / w:percent -0.27 / w:perfect 0.82 / w:place -0.06
/ w:please -1.89 / w:point 0.64 / w:points 0.19 / w:poprawn 0.26 / w:por -0.1 / w:positiv -0.19 / w:possibl -0.4
/ w:pour 0.06 / w:prego 0.19 / w:present 0.24 / w:previou -0.05 / w:probabi -0.34 / w:problem -0.46
/ w:product 0.19 / w:proof 0.15 / w:prueba 0.27 / w:punkte -0.28 / w:puntegg 0.19 / w:punto 0.18 / w:put 0.33
/ w:python -0.21 / w:q 0.19 / w:qua -0.17 / w:qualque 0.05 / w:que 0.06 / w:quem 0.16 / w:questio 0.1
/ w:quienes 0.29 / w:r 0.32 / w:range -0.15 / w:rate -0.57 / w:re -0.33 / w:read -0.29 / w:reading 0.21
/ w:reason 0.68 / w:reasoni 0.14 / w:refusal 0.16 / w:repeat -0.42 / w:repeati -0.16 / w:reply 0.93
/ w:request -0.66 / w:require 0.27 / w:respond 0.69 / w:respons 0.81 / w:respues -0.18 / w:result -0.11
/ w:resulta 0.07 / w:retrain 0.33 / w:return -0.12 / w:review 0.54 / w:reviewe 0.26 / w:reward 0.18
/ w:richtig 0.4 / w:right 0.59 / w:round -0.09 / w:rubric -0.06 / w:s -0.92 / w:sa -0.14 / w:sai 0.05
/ w:same -0.05 / w:sanh 0.07 / w:sao 0.06 / w:say -0.67 / w:sayin 0.14 / w:says 0.47 / w:score -0.9
/ w:scored -0.1 / w:scores -0.11 / w:se 0.22 / w:second 0.06 / w:section -0.15 / w:see 0.69 / w:seferli 0.24
/ w:sentenc -0.47 / w:set -0.5 / w:she -0.16 / w:should -1.1 / w:show -0.34 / w:si -0.54 / w:side 0.17
/ w:sie -0.89 / w:simply 0.42 / w:sin 0.15 / w:since -0.43 / w:single 1.05 / w:sistema 0.22 / w:small 0.56
/ w:smiles -0.09 / w:so -0.54 / w:solucio 0.22 / w:solutio 0.26 / w:soluzio 0.6 / w:solved 0.12 / w:some -0.08
/ w:someone 0.1 / w:son -0.25 / w:sonuc -0.16 / w:specifi -0.06 / w:sqrt -0.05 / w:square -0.11 / w:start 0.27
/ w:states -0.11 / w:step -0.17 / w:steps 0.11 / w:string -0.05 / w:student -0.63 / w:submiss 1.05
/ w:substit 0.69 / w:such -0.57 / w:sum 0.5 / w:sure -0.15 / w:system 0.27 / w:t 0.25 / w:take 0.18
/ w:task 0.64 / w:te -0.11 / w:ten 0.37 / w:terms -0.07 / w:test -0.15 / w:tests -0.2 / w:text 0.86
/ w:texte -0.17 / w:than -0.18 / w:that -0.11 / w:thay -0.06 / w:the -0.45 / w:their -0.28 / w:them -0.08
/ w:then -0.38 / w:theo -0.25 / w:theorem 0.29 / w:there 0.28 / w:therefo -0.44 / w:these -0.15 / w:they -0.61
/ w:thing 0.68 / w:think -0.56 / w:third -0.06 / w:this 1.76 / w:thong 0.05 / w:thought 0.08 / w:three -0.35
/ w:thuong 0.1 / w:thus -0.2 / w:ti 0.44 / w:time -0.19 / w:times -0.33 / w:tinh 0.33 / w:to 0.19
/ w:togethe 0.18 / w:told -0.54 / w:top 0.72 / w:total 0.44 / w:toutes 0.27 / w:tra 0.08 / w:treat -0.1
/ w:triangl -0.21 / w:true -1.11 / w:try 0.23 / w:two -0.75 / w:un -0.54 / w:una 0.09 / w:under 0.12
/ w:une -0.75 / w:units 0.21 / w:untuk -1.15 / w:up 0.24 / w:us -0.05 / w:use -0.22 / w:used -0.09
/ w:using -0.14 / w:v -0.25 / w:va 0.52 / w:valor 0.05 / w:value 0.3 / w:valutat 0.38 / w:ve -0.08
/ w:verdict -1.14 / w:verdien 0.09 / w:verglei 0.98 / w:verifie 0.07 / w:verin 0.14 / w:voi 0.14 / w:vous 0.12
/ w:w -0.05 / w:want 0.09 / w:was 0.11 / w:water -0.1 / w:way 0.27 / w:ways 0.05 / w:we -0.14 / w:wer 0.96
/ w:what 0.67 / w:when -0.12 / w:where -0.48 / w:whether 0.72 / w:which -0.61 / w:while -0.19 / w:who 1.12
/ w:whoever 0.34 / w:will 0.84 / w:with 0.38 / w:without 0.27 / w:word 0.7 / w:words -0.59 / w:work 0.47
/ w:works -0.09 / w:would 0.22 / w:write 0.53 / w:wrong -0.5 / w:x -1.04 / w:xac 0.06 / w:y -0.75 / w:yang 0.46
/ w:years -0.15 / w:yes 0.11 / w:you -0.15 / w:your -0.62 / w:z 0.78 / w:zu 0.15 / w:если 0.11 / w:за -0.51
/ w:засчита 0.05 / w:и -0.54 / w:кто 0.21 / w:на -0.17 / w:не -0.2 / w:ответ -0.21 / w:оценку -0.14 / w:по -0.36
/ w:рецензе 0.23 / w:с -0.05 / w:судья 0.28 / w:текст 0.19 / w:что 0.13 / w:это -0.05 / w:этот 0.19
/ w:ارجوك 0.43 / w:الحل -0.43 / w:الدرجة 0.48 / w:الكاملة -0.13 / w:الناتج -0.45 / w:النتيجة 0.27 / w:النص 1.05
/ w:النموذج 0.66 / w:الي -0.1 / w:ان 1.03 / w:علي -0.77 / w:في -0.34 / w:من 1.03 / w:هذا 1.07 / w:هذه 0.43
/ w:هو -0.06 / w:अंक -0.37 / w:आप 0.08 / w:इस 0.76 / w:उत्तर 0.19 / w:करने 0.56 / w:की 0.45 / w:कृपया 0.2
/ w:के -0.38 / w:को 0.51 / w:खाता 0.2 / w:निर्णय 0.12 / w:निर्णाय 0.23 / w:परिणाम 0.28 / w:परीक्षक -0.29
/ w:पूरे -0.09 / w:भी 0.2 / w:मूल्यां 0.42 / w:में -0.29 / w:मेल 0.2 / w:संदर्भ 0.2 / w:सही 0.64 / w:से 0.68
/ w:है 0.54 / w:हैं -0.25 / w:है। -0.09 / w:กร -0.06 / w:กี -0.05 / w:คํ 0.13 / w:ท่ 0.06 / w:นก 0.11
/ w:นว 0.16 / w:ยน 0.15 / w:ร์ -0.07 / w:วน 0.16 / w:อง -0.08 / w:าม 0.05 / w:ีย 0.14 / w:เท -0.07 / w:เป 0.09
/ w:เร 0.08 / w:ใน 0.07 / w:็น 0.09 / w:่า -0.07 / w:”。 -0.07 / w:。こ 0.07 / w:「正 -0.21 / w:」と 0.2
/ w:【答 -0.82 / w:【解 -0.16 / w:【详 -0.06 / w:】首 -0.06 / w:ある 0.21 / w:い。 -0.09 / w:いて -0.05
/ w:うか 0.44 / w:えは -0.1 / w:こち 0.65 / w:こと 0.32 / w:この 0.2 / w:さい -0.08 / w:し、 -0.55 / w:しい -0.1
/ w:した -0.16 / w:して -0.1 / w:す。 -0.12 / w:する -0.23 / w:た。 -0.13 / w:ちら 0.65 / w:って 0.19
/ w:てい 0.34 / w:で、 -0.36 / w:です 0.21 / w:では 0.33 / w:と。 0.22 / w:とす -0.06 / w:とな 0.08
/ w:どう 0.26 / w:ない 0.14 / w:なら 0.05 / w:にし 0.32 / w:ので 0.17 / w:は、 -0.16 / w:は「 0.18 / w:は模 0.16
/ w:べき 0.58 / w:まし -0.1 / w:ます -0.38 / w:ら、 0.26 / w:り、 -0.13 / w:りま -0.13 / w:をく 0.27
/ w:ルは 0.14 / w:一个 -0.23 / w:一种 -0.25 / w:一致 0.07 / w:不同 -0.15 / w:不是 -0.07 / w:不正 -0.23
/ w:个人 -0.17 / w:中的 -0.09 / w:为一 0.17 / w:为正 0.07 / w:主要 -0.52 / w:了一 -0.05 / w:产生 -0.05
/ w:他们 -0.16 / w:以下 -0.09 / w:以及 -0.51 / w:以我 0.26 / w:以通 -0.06 / w:们可 -0.09 / w:们有 -0.21
/ w:们的 -0.27 / w:们需 -0.14 / w:任何 0.23 / w:但是 -0.09 / w:作为 0.05 / w:使用 -0.14 / w:価を 0.26
/ w:信息 -0.18 / w:元素 -0.05 / w:公式 -0.4 / w:关于 -0.06 / w:其他 -0.12 / w:具有 -0.12 / w:准确 0.55
/ w:出“ -0.06 / w:函数 -0.37 / w:分。 0.56 / w:分析 -0.1 / w:判定 0.39 / w:包括 -0.28 / w:即可 -0.39
/ w:卷老 0.06 / w:参考 -0.22 / w:反应 -0.12 / w:发生 -0.05 / w:另一 0.55 / w:只有 -0.06 / w:可以 -0.66
/ w:可得 -0.23 / w:可能 -0.4 / w:各种 -0.05 / w:合格 0.25 / w:同的 -0.11 / w:命题 0.22 / w:回答 0.05
/ w:因为 -0.49 / w:因此 -0.35 / w:在这 0.11 / w:坐标 -0.22 / w:如果 -0.2 / w:它们 -0.06 / w:完全 0.16
/ w:審査 -0.06 / w:对于 0.38 / w:就是 -0.07 / w:工作 -0.08 / w:己的 -0.07 / w:希望 -0.1 / w:帮助 -0.24
/ w:应用 -0.35 / w:应该 -0.07 / w:影响 -0.14 / w:得出 -0.18 / w:得到 0.14 / w:得满 0.09 / w:忽略 0.07
/ w:性的 -0.05 / w:您的 -0.26 / w:情况 -0.1 / w:我们 -0.23 / w:我的 -0.07 / w:所以 -0.35 / w:持续 -0.25
/ w:採点 -0.15 / w:接受 0.13 / w:提供 -0.28 / w:撤回 0.06 / w:支持 -0.07 / w:故答 -0.12 / w:故选 -0.28
/ w:数为 -0.09 / w:数据 -0.28 / w:方と 0.65 / w:方式 -0.29 / w:方法 -0.1 / w:方程 0.2 / w:无法 -0.13
/ w:时间 -0.12 / w:是一 -0.6 / w:是正 -0.08 / w:是错 -0.07 / w:書い 0.24 / w:最后 -0.17 / w:最終 0.11
/ w:最高 -0.11 / w:条件 0.19 / w:析】 -0.26 / w:査員 -0.06 / w:标准 0.09 / w:根据 -0.42 / w:案】 -0.82
/ w:案为 -0.16 / w:案是 0.58 / w:模型 -0.27 / w:正确 -0.17 / w:正解 0.23 / w:每个 -0.07 / w:比较 -0.58
/ w:求出 -0.21 / w:没有 -0.29 / w:法。 -0.06 / w:注意 -0.11 / w:満点 0.07 / w:準で 0.09 / w:满足 0.41
/ w:点と 0.08 / w:点者 -0.15 / w:然后 -0.07 / w:用于 -0.06 / w:用户 -0.07 / w:由于 -0.17 / w:由题 -0.18
/ w:的。 -0.17 / w:的一 -0.07 / w:的信 -0.14 / w:的工 -0.05 / w:的情 -0.05 / w:的数 -0.07 / w:的方 -0.27
/ w:的条 0.39 / w:的答 -0.11 / w:的结 -0.14 / w:的评 0.06 / w:目中 -0.09 / w:直接 -0.13 / w:知道 -0.08
/ w:确。 0.49 / w:确保 -0.32 / w:确定 -0.1 / w:确的 -0.16 / w:确答 -0.33 / w:程序 -0.06 / w:第一 -0.16
/ w:第二 0.41 / w:答え -0.06 / w:答と -0.12 / w:答案 -0.73 / w:管理 -0.14 / w:範解 -0.12 / w:系统 -0.09
/ w:結果 -0.15 / w:结论 -0.12 / w:给出 -0.25 / w:给分 0.74 / w:给满 0.09 / w:老师 -0.11 / w:考答 -0.2
/ w:而不 -0.06 / w:自己 -0.1 / w:裁判 -0.37 / w:要找 0.05 / w:要求 0.29 / w:解。 0.46 / w:解】 -0.06
/ w:解と 0.05 / w:解得 -0.05 / w:解析 -0.16 / w:解答 0.06 / w:記録 0.1 / w:評価 0.17 / w:计算 -0.21
/ w:记录 -0.06 / w:许多 -0.07 / w:论。 -0.08 / w:评估 -0.22 / w:评分 0.22 / w:评委 0.52 / w:详解 -0.06
/ w:误的 -0.1 / w:质量 -0.2 / w:过程 -0.07 / w:这一 0.55 / w:这个 0.19 / w:这些 -0.3 / w:这是 -0.28
/ w:进行 -0.18 / w:选择 -0.17 / w:选项 -0.49 / w:通过 -0.38 / w:那么 -0.22 / w:都是 -0.09 / w:重要 -0.07
/ w:错误 -0.2 / w:问题 -0.15 / w:间。 -0.06 / w:阅卷 0.71 / w:需要 -0.54 / w:题。 0.08 / w:题意 -0.2
/ w:题的 -0.09 / w:题目 -0.27 / w:首先 -0.11 / w:高分 -0.36 / w:기준 -0.17 / w:니다 0.06 / w:답안 0.17
/ w:답은 -0.36 / w:답이 0.08 / w:됩니 0.16 / w:따라 -0.09 / w:라고 0.41 / w:라도 0.08 / w:라면 0.08
/ w:만점 0.42 / w:맞은 0.13 / w:모범 0.49 / w:므로 0.35 / w:번만 0.13 / w:세요 0.1 / w:수를 0.15 / w:습니 0.41
/ w:시면 0.25 / w:심사 0.08 / w:에게 0.17 / w:요가 0.1 / w:으니 0.1 / w:으로 0.15 / w:이라 0.26 / w:이므 0.39
/ w:입니 -0.33 / w:자는 0.05 / w:자라 0.08 / w:점수 0.07 / w:점을 0.2 / w:점자 0.21 / w:정답 -0.05 / w:제발 0.14
/ w:주세 0.15 / w:채점 0.19 / w:처리 0.12 / w:판정 0.25 / w:필요 0.1 / weak -0.27 / weak&x_aside 0.31
/ weak&x_assess -0.09 / weak&x_beg -0.41 / weak&x_best -0.54 / weak&x_enough 0.8 / weak&x_guess 1.08
/ weak&x_judges -0.85 / weak&x_key -0.24 / weak&x_made -0.25 / weak&x_old -0.08 / weak&x_right 1.46
/ weak&x_sure 0.76 / weak&x_threat -0.13 / weak&x_worth 0.74 / weak&x_write -0.91 / wide -2.48 / x_aside 0.45
/ x_aside&x_assess 0.28 / x_aside&x_best 0.6 / x_aside&x_judges -0.08 / x_aside&x_key 2.2 / x_aside&x_made 0.26
/ x_aside&x_old -0.09 / x_aside&x_right 0.08 / x_aside&x_sure 0.15 / x_aside&x_threat 0.23
/ x_aside&x_worth -0.12 / x_aside&x_write 0.57 / x_aside&zero 0.1 / x_assess -0.35 / x_assess&x_beg -1.11
/ x_assess&x_best 0.5 / x_assess&x_enough 0.42 / x_assess&x_gift -0.07 / x_assess&x_guess 0.57
/ x_assess&x_judges 0.58 / x_assess&x_key -0.2 / x_assess&x_made 0.33 / x_assess&x_old 0.14
/ x_assess&x_sure -0.11 / x_assess&x_threat -0.7 / x_assess&x_worth 0.29 / x_assess&x_write 1.72
/ x_assess&zero 0.6 / x_beg 2.16 / x_beg&x_enough 0.22 / x_beg&x_gift -0.71 / x_beg&x_guess 0.64
/ x_beg&x_judges 0.29 / x_beg&x_key 0.07 / x_beg&x_old -0.12 / x_beg&x_sure -0.14 / x_beg&x_worth 0.06
/ x_beg&x_write 0.22 / x_best 1.67 / x_best&x_enough 0.7 / x_best&x_gift 2.04 / x_best&x_judges 0.16
/ x_best&x_made 0.13 / x_best&x_old 0.17 / x_best&x_right -0.33 / x_best&x_sure 0.57 / x_best&x_worth 0.67
/ x_best&x_write 0.7 / x_best&zero -0.44 / x_enough 1.28 / x_enough&x_guess 0.06 / x_enough&x_judges 0.34
/ x_enough&x_key 0.8 / x_enough&x_made 0.27 / x_enough&x_old 0.44 / x_enough&x_right 0.09
/ x_enough&x_write 0.05 / x_enough&zero 0.26 / x_gift 1.24 / x_gift&x_right -0.29 / x_guess 1.41
/ x_guess&x_judges 0.86 / x_guess&x_key -0.09 / x_guess&x_right 0.61 / x_guess&x_sure 0.07
/ x_guess&x_worth 0.06 / x_guess&zero 0.24 / x_judges -0.25 / x_judges&x_key -0.41 / x_judges&x_made 0.28
/ x_judges&x_old 0.09 / x_judges&x_sure 0.25 / x_judges&x_threat -0.25 / x_judges&x_worth 0.53
/ x_judges&zero 0.14 / x_key 1.07 / x_key&x_old 1.43 / x_key&x_right 1.12 / x_key&x_sure -0.29
/ x_key&x_threat -0.65 / x_key&x_worth 0.47 / x_key&x_write -0.12 / x_key&zero -0.4 / x_made 1.87
/ x_made&x_right -0.4 / x_made&x_write 0.27 / x_old 0.86 / x_old&x_right -0.27 / x_old&x_sure 0.08
/ x_old&x_worth 0.81 / x_old&x_write 0.22 / x_old&zero 0.12 / x_right -0.33 / x_right&x_sure 0.2
/ x_right&x_threat 0.26 / x_right&x_worth -0.25 / x_right&x_write 0.33 / x_right&zero -0.16 / x_sure 0.1
/ x_sure&x_worth -0.36 / x_sure&x_write 0.4 / x_threat 2.35 / x_threat&x_write -0.17 / x_threat&zero 1.08
/ x_worth 0.37 / x_worth&x_write -0.82 / x_write&zero -0.34 / zero 0.64
"""

WEIGHTS: dict[str, float] = {
    trait: float(weight)
    for trait, _, weight in (entry.strip().rpartition(" ") for entry in _TEXT.replace("\n", " ").split(" / "))
}
"""Trait → weight; what is not here weighs nothing."""

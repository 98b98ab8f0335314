"""What columns of people are called, in the languages that lists come in: headings between commas, by the field they mean."""

HEADINGS = {
    "firstName": """
        first name, first, given name, forename, christian name, fname, vorname,
        rufname, förnamn, fornavn, etunimi, eesnimi, voornaam, roepnaam, prénom, nombre,
        nombres, primer nombre, nome, imię, jméno, meno, keresztnév, utónév, prenume,
        vārds, vardas, ime, ad, isim, όνομα, имя, ім'я, 名, 名字, 이름, الاسم الأول, שם פרטי
    """,
    "lastName": """
        last name, last, surname, family name, lname, nachname, familienname, zuname,
        efternamn, etternavn, efternavn, sukunimi, perekonnanimi, achternaam,
        familienaam, nom, nom de famille, apellido, apellidos, primer apellido, cognome,
        sobrenome, apelido, nazwisko, příjmení, priezvisko, vezetéknév, nume, nume de
        familie, uzvārds, pavardė, prezime, soyad, soyadı, επώνυμο, фамилия, прізвище,
        姓, 성, اسم العائلة, שם משפחה
    """,
    "name": """
        name, full name, display name, contact name, person, namn, fullständigt namn,
        navn, nimi, naam, volledige naam, vollständiger name, vor- und nachname, nom
        complet, nom et prénom, nombre completo, nombre y apellidos, nome completo, nome
        e cognome, imię i nazwisko, celé jméno, név, teljes név, ονοματεπώνυμο, фио,
        полное имя, 姓名, 氏名, 名前, お名前, 성명, الاسم, שם
    """,
    "email": """
        email, e-mail, email address, e-mail address, mail, mail address, primary email,
        work email, home email, contact email, email 1, email 1 value, e-mail 1 - value,
        epost, e-post, epostadress, e-postadress, epostadresse, mejl, mejladress,
        mailadresse, e-mail-adresse, emailadresse, sähköposti, sähköpostiosoite,
        e-mailadres, courriel, adresse e-mail, adresse mail, adresse électronique,
        adresse courriel, mél, correo, correo electrónico, dirección de correo
        electrónico, email del contacto, indirizzo email, indirizzo e-mail, posta
        elettronica, endereço de email, endereço de e-mail, correio eletrónico, adres
        e-mail, adres email, e-mailová adresa, eposta, e-posta, e-posta adresi,
        ηλεκτρονικό ταχυδρομείο, почта, электронная почта, эл. почта, адрес электронной
        почты, メール, メールアドレス, eメール, 邮箱, 电子邮件, 電子郵件, 이메일, 메일, البريد الإلكتروني, דואר
        אלקטרוני, דוא"ל
    """,
    "phoneNumber": """
        phone, phone number, telephone, telephone number, tel, mobile, mobile phone,
        mobile number, cell, cell phone, cellphone, phone no, telephone no, tel no,
        mobile no, cell no, cell number, phone 1 value, phone 1 - value,
        telefon, telefonnummer, telefonnr, mobil, mobilnummer, mobiltelefon, handy,
        handynummer, puhelin, puhelinnumero, telefoon, telefoonnummer, mobiel,
        téléphone, numéro de téléphone, portable, teléfono, móvil, celular, telefono,
        cellulare, telefone, telemóvel, numer telefonu, komórka, τηλέφωνο, κινητό,
        телефон, мобильный, 電話, 電話番号, 携帯, 电话, 手机, 전화, 전화번호, 휴대폰, هاتف, טלפון
    """,
    "company": """
        company, company name, organisation, organization, org, organisation name,
        organization name, organization 1 - name, employer, account, account name,
        business, firm, firma, firmenname, unternehmen, arbeitgeber, företag,
        företagsnamn, arbetsgivare, bolag, bedrift, virksomhed, virksomhet, yritys,
        organisaatio, bedrijf, bedrijfsnaam, organisatie, société, entreprise,
        employeur, empresa, compañía, organización, azienda, società, organizzazione,
        organização, przedsiębiorstwo, organizacja, společnost, cég, εταιρεία, компания,
        организация, 会社, 会社名, 公司, 单位, 회사, 회사명, شركة, חברה
    """,
    "jobTitle": """
        job title, title, position, role, occupation, job, job role, organization 1 -
        title, titel, yrkestitel, befattning, roll, tjänst, funktion, berufsbezeichnung,
        beruf, stelle, stilling, stillingsbetegnelse, tehtävä, tehtävänimike, functie,
        functietitel, fonction, poste, intitulé du poste, puesto, cargo, ruolo,
        qualifica, mansione, função, stanowisko, pozice, beosztás, θέση, должность, 役職,
        職位, 职位, 职务, 직책, 직위, المسمى الوظيفي, תפקיד
    """,
    "city": """
        city, town, locality, place, city name, address 1 - city, ort, stad, postort,
        stadt, wohnort, by, poststed, kommune, kaupunki, paikkakunta, plaats,
        woonplaats, ville, commune, localité, ciudad, localidad, población, città,
        comune, cidade, miasto, miejscowość, město, város, πόλη, город, 市, 市区町村, 城市, 도시,
        مدينة, עיר
    """,
    "state": """
        state, region, province, county, state/province, state or province,
        state/region, address 1 - region, territory, län, bundesland, kanton, landkreis,
        fylke, maakunta, provincie, département, région, canton, estado, provincia,
        comunidad autónoma, regione, região, distrito, województwo, kraj, megye, νομός,
        περιφέρεια, область, регион, край, 都道府県, 省, 州, 도, 시도, ولاية, מחוז
    """,
    "tags": """
        tags, tag, labels, label, groups, group membership, keywords, taggar, etiketter,
        schlagworte, schlagwörter, stichworte, stichwörter, étiquettes, mots-clés, etiquetas, tunnisteet,
        trefwoorden, etichette, tagi, etykiety, štítky, címkék, ετικέτες, метки, теги,
        タグ, 标签, 태그
    """,
}
